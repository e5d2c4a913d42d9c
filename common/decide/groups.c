#include "common/decide/groups.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/user.h"

enum {
	ROOM_FIRST = 4096,  /* bytes for an entry of the name service */
	ROOM_MAX = 1 << 20, /* of a group with many members */
	GIDS_MAX = 65536,
};

/* Both limits happen to be 16. NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert(JP_GROUPS_KEY_LEN >= crypto_generichash_BYTES_MIN &&
                   JP_GROUPS_KEY_LEN >= crypto_generichash_KEYBYTES_MIN,
    "tags are keyed BLAKE2b");

void
jp_groups_init(struct jp_groups *groups, const struct jp_clock *clock)
{
	memset(groups, 0, sizeof(*groups));
	(void)pthread_mutex_init(&groups->mutex, NULL);
	groups->clock = *clock;
	randombytes_buf(groups->key, sizeof(groups->key));
}

void
jp_groups_free(struct jp_groups *groups)
{
	(void)pthread_mutex_destroy(&groups->mutex);
}

void
jp_groups_flush(struct jp_groups *groups)
{
	pthread_mutex_lock(&groups->mutex);
	memset(groups->entries, 0, sizeof(groups->entries));
	pthread_mutex_unlock(&groups->mutex);
}

/* ---- what is remembered ---- */

/* The NUL between the two keeps them apart. */
static size_t
tag_of(const struct jp_groups *groups, const char *user, const char *names,
    uint8_t tag[JP_GROUPS_KEY_LEN])
{
	crypto_generichash_state state;
	uint16_t place;

	(void)crypto_generichash_init(
	    &state, groups->key, sizeof(groups->key), JP_GROUPS_KEY_LEN);
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)user, strlen(user) + 1);
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)names, strlen(names));
	(void)crypto_generichash_final(&state, tag, JP_GROUPS_KEY_LEN);
	memcpy(&place, tag, sizeof(place));
	return place % JP_GROUPS_ENTRIES;
}

enum jp_member
jp_groups_find(struct jp_groups *groups, const char *user, const char *names)
{
	uint8_t tag[JP_GROUPS_KEY_LEN];
	size_t place = tag_of(groups, user, names, tag);
	enum jp_member member = JP_MEMBER_UNKNOWN;

	pthread_mutex_lock(&groups->mutex);
	if (memcmp(groups->entries[place].tag, tag, sizeof(tag)) == 0 &&
	    jp_clock_now(&groups->clock) < groups->entries[place].until)
		member = groups->entries[place].member ? JP_MEMBER_YES
		                                       : JP_MEMBER_NO;
	pthread_mutex_unlock(&groups->mutex);
	return member;
}

static void
remember(
    struct jp_groups *groups, const char *user, const char *names, bool member)
{
	uint8_t tag[JP_GROUPS_KEY_LEN];
	size_t place = tag_of(groups, user, names, tag);

	pthread_mutex_lock(&groups->mutex);
	memcpy(groups->entries[place].tag, tag, sizeof(tag));
	groups->entries[place].until =
	    jp_clock_now(&groups->clock) + JP_GROUPS_LIFETIME;
	groups->entries[place].member = member;
	pthread_mutex_unlock(&groups->mutex);
}

/* ---- the name service ---- */

/* What getgrnam_r(3) and the like say of an entry that is not there. */
static bool
means_none(int rc)
{
	return rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF ||
	       rc == EPERM;
}

/* A group by its name, or, where that is NULL, by its number. NULL with
 * JP_ERR_OK: there is none. `room` is freed by the caller. */
static enum jp_err
find_group(const char *name, gid_t gid, struct group *group,
    struct group **found, char **room)
{
	int rc = ERANGE;

	*found = NULL;
	for (size_t size = ROOM_FIRST; rc == ERANGE && size <= ROOM_MAX;
	     size *= 4) {
		free(*room);
		*room = malloc(size);
		if (*room == NULL)
			return JP_ERR_NOMEM;
		rc = name != NULL ? getgrnam_r(name, group, *room, size, found)
		                  : getgrgid_r(gid, group, *room, size, found);
	}
	return *found != NULL || means_none(rc) ? JP_ERR_OK
	                                        : JP_ERR_UNREACHABLE;
}

/* All groups of an account; none of a user who has no account. */
struct account {
	int len;
	gid_t *gids;
};

/* `gid`: one more that is in the list anyway. */
static enum jp_err
list_gids(const char *user, gid_t gid, struct account *account)
{
	account->len = 64;
	do {
		int size = account->len;

		free(account->gids);
		account->gids = calloc((size_t)size, sizeof(account->gids[0]));
		if (account->gids == NULL)
			return JP_ERR_NOMEM;
		if (getgrouplist(user, gid, account->gids, &account->len) >= 0)
			return JP_ERR_OK;
		/* NOLINTNEXTLINE: the caller frees it. */
		if (account->len <= size)
			account->len = 2 * size;
	} while (account->len <= GIDS_MAX);
	return JP_ERR_UNREACHABLE;
}

static enum jp_err
find_account(const char *user, struct account *account)
{
	struct passwd pw, *found = NULL;
	char room[ROOM_FIRST];
	int rc = getpwnam_r(user, &pw, room, sizeof(room), &found);

	if (found != NULL)
		return list_gids(user, pw.pw_gid, account);
	return means_none(rc) ? JP_ERR_OK : JP_ERR_UNREACHABLE;
}

static bool
holds(
    const struct account *account, const char *user, const struct group *group)
{
	for (int i = 0; i < account->len; i++)
		if (account->gids[i] == group->gr_gid)
			return true;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, user) == 0)
			return true;
	return false;
}

static enum jp_err
ask_each(const struct account *account, const char *user, const char *names,
    bool *member)
{
	enum jp_err err = JP_ERR_OK;
	char *room = NULL;

	while (*names != '\0' && !*member && err == JP_ERR_OK) {
		size_t len = strcspn(names, "\n");
		struct group group, *found = NULL;
		char name[JP_GROUP_MAX + 1] = "";

		if (len < sizeof(name))
			memcpy(name, names, len);
		err = find_group(name, 0, &group, &found, &room);
		*member = found != NULL && holds(account, user, &group);
		names += len;
		names += *names == '\n';
	}
	free(room);
	return err;
}

enum jp_err
jp_groups_ask(
    struct jp_groups *groups, const char *user, const char *names, bool *member)
{
	struct account account = { 0 };
	enum jp_err err = find_account(user, &account);

	*member = false;
	if (err == JP_ERR_OK)
		err = ask_each(&account, user, names, member);
	free(account.gids);
	if (err == JP_ERR_OK)
		remember(groups, user, names, *member);
	else
		*member = false;
	return err;
}

enum jp_err
jp_groups_learn(struct jp_groups *groups, const char *user, const char *names)
{
	bool member;

	return jp_groups_ask(groups, user, names, &member);
}

enum jp_err
jp_groups_each(const char *user, jp_groups_take take, void *arg)
{
	const gid_t none = (gid_t)-1; /* no group has that number */
	struct account account = { 0 };
	struct group group, *found;
	char *room = NULL;
	enum jp_err err = find_account(user, &account);

	if (err == JP_ERR_OK && account.gids == NULL)
		err = list_gids(user, none, &account);
	for (int i = 0; i < account.len && err == JP_ERR_OK; i++) {
		err = find_group(NULL, account.gids[i], &group, &found, &room);
		if (err == JP_ERR_OK && found != NULL)
			err = take(arg, group.gr_name);
	}
	free(room);
	free(account.gids);
	return err;
}
