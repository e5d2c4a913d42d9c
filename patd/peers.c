#include "patd/peers.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/account.h"

enum {
	FIRST_PERSON = 1000, /* uids below are system accounts */
	GROUPS_MAX = 256,    /* of a peer that are looked at */
};

static enum jp_err
find_group(const char *key, const char *name, gid_t *gid, struct jp_why *why)
{
	if (jp_account_find_group(name, gid) == JP_ERR_OK)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_CONFIG, "[patd] %s: there is no group \"%s\"",
	    key, name);
}

static enum jp_err
find_user(const char *name, uid_t *uid, struct jp_why *why)
{
	struct jp_account account;

	if (jp_account_find(name, &account) != JP_ERR_OK)
		return jp_why(why, JP_ERR_CONFIG,
		    "[patd] allow_users: there is no user \"%s\"", name);
	*uid = account.uid;
	return JP_ERR_OK;
}

enum jp_err
peers_make(
    struct peers *peers, const struct jp_settings *settings, struct jp_why *why)
{
	const struct jp_accounts *users = &settings->allow_users;
	const struct jp_accounts *groups = &settings->allow_groups;
	enum jp_err err = JP_ERR_OK;

	memset(peers, 0, sizeof(*peers));
	peers->only_listed = users->len + groups->len > 0;
	peers->uid_len = users->len;
	peers->gid_len = groups->len;
	for (size_t i = 0; err == JP_ERR_OK && i < users->len; i++)
		err = find_user(users->names[i], &peers->uids[i], why);
	for (size_t i = 0; err == JP_ERR_OK && i < groups->len; i++)
		err = find_group(
		    "allow_groups", groups->names[i], &peers->gids[i], why);
	peers->has_admin_group = settings->admin_group[0] != '\0';
	if (err == JP_ERR_OK && peers->has_admin_group)
		err = find_group("admin_group", settings->admin_group,
		    &peers->admin_group, why);
	return err;
}

void
peers_self(struct peers *peers)
{
	peers->self = geteuid();
}

bool
peers_uid(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	*uid = peer.uid;
	return true;
}

static bool
contains(const gid_t *gids, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

/*
 * Whether the peer is in one of `gids`: its groups as the kernel knows them,
 * those that also count where it opens a file.
 */
static bool
in_groups(int fd, const gid_t *gids, size_t count)
{
	struct ucred peer;
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(peer);

	if (count == 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (contains(gids, count, peer.gid))
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (contains(gids, count, groups[i]))
			return true;
	return false;
}

bool
peers_may_verify(const struct peers *peers, int fd, uid_t uid)
{
	if (uid == 0 || uid == peers->self)
		return true;
	if (!peers->only_listed)
		return uid < FIRST_PERSON;
	for (size_t i = 0; i < peers->uid_len; i++)
		if (peers->uids[i] == uid)
			return true;
	return in_groups(fd, peers->gids, peers->gid_len);
}

bool
peers_may_administer(const struct peers *peers, int fd, uid_t uid)
{
	return uid == 0 || uid == peers->self ||
	       in_groups(fd, &peers->admin_group, peers->has_admin_group);
}
