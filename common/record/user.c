/*
 * The bytes of a user's record: version u8, then name, flags u8 (1: disabled;
 * 2: protected, from version 2 on), changed_at i64, changed_by, note, count u8
 * of groups, groups; strings and integers as common/base/buf.h says. What needs
 * no more is written as version 1, so that an older jira-pat reads it.
 */
#include "common/record/user.h"

#include <string.h>

#include "common/base/text.h"

enum {
	FLAG_DISABLED = 1,
	FLAG_PROTECTED = 2,
	FLAGS_END = 4,
};

void
jp_user_default(struct jp_user *user, const char *name)
{
	memset(user, 0, sizeof(*user));
	(void)jp_field_set(user->name, sizeof(user->name), name);
}

void
jp_user_put(struct jp_buf *buf, const struct jp_user *user)
{
	jp_buf_put_str(buf, user->name);
	jp_buf_put_u8(buf, (uint8_t)((user->disabled ? FLAG_DISABLED : 0) |
	                             (user->protected ? FLAG_PROTECTED : 0)));
	jp_buf_put_i64(buf, user->changed_at);
	jp_buf_put_str(buf, user->changed_by);
	jp_buf_put_str(buf, user->note);
	jp_buf_put_u8(buf, (uint8_t)user->group_len);
	for (size_t i = 0; i < user->group_len; i++)
		jp_buf_put_str(buf, user->groups[i]);
}

void
jp_user_get(struct jp_buf *buf, struct jp_user *user)
{
	unsigned int flags;

	memset(user, 0, sizeof(*user));
	jp_buf_get_str(buf, user->name, sizeof(user->name));
	flags = jp_buf_get_enum(buf, FLAGS_END);
	user->disabled = (flags & FLAG_DISABLED) != 0;
	user->protected = (flags & FLAG_PROTECTED) != 0;
	user->changed_at = jp_buf_get_i64(buf);
	jp_buf_get_str(buf, user->changed_by, sizeof(user->changed_by));
	jp_buf_get_str(buf, user->note, sizeof(user->note));
	user->group_len = jp_buf_get_enum(buf, JP_GROUPS_MAX + 1);
	for (size_t i = 0; i < user->group_len; i++)
		jp_buf_get_str(buf, user->groups[i], sizeof(user->groups[i]));
}

enum jp_err
jp_user_encode(const struct jp_user *user, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_USER_RECORD_MAX);
	jp_buf_put_u8(&buf, user->protected ? JP_USER_VERSION : 1);
	jp_user_put(&buf, user);
	*len = buf.pos;
	return buf.err;
}

enum jp_err
jp_user_decode(struct jp_user *user, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;
	uint8_t version;

	if (len > JP_USER_RECORD_MAX) {
		memset(user, 0, sizeof(*user));
		return JP_ERR_DAMAGED;
	}
	jp_buf_read(&buf, bytes, len);
	version = jp_buf_get_u8(&buf);
	jp_user_get(&buf, user);
	if (version == (user->protected ? JP_USER_VERSION : 1) &&
	    jp_buf_end(&buf) == JP_ERR_OK)
		return JP_ERR_OK;
	memset(user, 0, sizeof(*user));
	return version > JP_USER_VERSION ? JP_ERR_NEWER : JP_ERR_DAMAGED;
}

enum jp_err
jp_group_check(const char *group, struct jp_why *why)
{
	if (group[0] == '\0')
		return jp_why(why, JP_ERR_INVALID, "a group's name is empty");
	if (jp_blank_ends(group))
		return jp_why(why, JP_ERR_INVALID,
		    "the group \"%s\" has blanks at its ends", group);
	return jp_text_check("group", group, JP_GROUP_MAX, why);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The name in quotes that `at` begins; what stands behind it, or NULL. */
static const char *
read_quoted(const char *at, char *group, size_t *len)
{
	for (at++; *at != '\0' && (*at != '"' || at[1] == '"'); at++) {
		at += *at == '"';
		if (*len <= JP_GROUP_MAX)
			group[(*len)++] = *at;
	}
	return *at == '"' ? at + 1 : NULL;
}

static const char *
read_plain(const char *at, const char *separators, char *group, size_t *len)
{
	size_t all = strcspn(at, separators), used = all;

	while (used > 0 && is_blank(at[used - 1]))
		used--;
	*len = used <= JP_GROUP_MAX ? used : JP_GROUP_MAX + 1;
	memcpy(group, at, *len);
	return at + all;
}

/* Whether a name may end here. */
static bool
is_end(const char *at, const char *separators)
{
	return *at == '\0' || strchr(separators, *at) != NULL ||
	       (is_blank(at[-1]) && strchr(separators, at[-1]) != NULL);
}

enum jp_err
jp_group_next(const char **text, const char *separators,
    char group[JP_GROUP_MAX + 1], struct jp_why *why)
{
	const char *at = *text;
	char name[JP_GROUP_MAX + 2];
	size_t len = 0;

	group[0] = '\0';
	while (
	    *at != '\0' && (is_blank(*at) || strchr(separators, *at) != NULL))
		at++;
	*text = at;
	if (*at == '\0')
		return JP_ERR_OK;
	at = *at == '"' ? read_quoted(at, name, &len)
	                : read_plain(at, separators, name, &len);
	while (at != NULL && is_blank(*at))
		at++;
	if (at == NULL || !is_end(at, separators))
		return jp_why(why, JP_ERR_INVALID,
		    "groups: expected names with one of \"%s\" between them; "
		    "a name that holds such a character stands in quotes, and "
		    "a "
		    "quote in it twice",
		    separators);
	if (len > JP_GROUP_MAX)
		return jp_why(why, JP_ERR_INVALID,
		    "a group is longer than %d bytes", JP_GROUP_MAX);
	name[len] = '\0';
	memcpy(group, name, len + 1);
	*text = at;
	return jp_group_check(group, why);
}

enum jp_err
jp_user_add_groups(struct jp_user *user, const char *text,
    const char *separators, struct jp_why *why)
{
	char group[JP_GROUP_MAX + 1];
	enum jp_err err = jp_group_next(&text, separators, group, why);

	while (err == JP_ERR_OK && group[0] != '\0') {
		err = jp_user_add_group(user, group, why);
		if (err == JP_ERR_OK)
			err = jp_group_next(&text, separators, group, why);
	}
	return err;
}

static size_t
print_group(const char *group, char *text)
{
	bool quoted = strpbrk(group, " \t,;\"") != NULL;
	size_t len = 0;

	if (quoted)
		text[len++] = '"';
	for (; *group != '\0'; group++) {
		text[len++] = *group;
		if (*group == '"')
			text[len++] = '"';
	}
	if (quoted)
		text[len++] = '"';
	return len;
}

void
jp_user_print_groups(
    const struct jp_user *user, char separator, char text[JP_GROUPS_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < user->group_len; i++) {
		if (i > 0)
			text[len++] = separator;
		len += print_group(user->groups[i], text + len);
	}
	text[len] = '\0';
}

enum jp_err
jp_user_add_group(struct jp_user *user, const char *group, struct jp_why *why)
{
	enum jp_err err = jp_group_check(group, why);

	if (err != JP_ERR_OK || jp_user_in_group(user, group))
		return err;
	if (user->group_len == JP_GROUPS_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "a user has at most %d groups", JP_GROUPS_MAX);
	return jp_field_set(
	    user->groups[user->group_len++], JP_GROUP_MAX + 1, group);
}

bool
jp_user_in_group(const struct jp_user *user, const char *group)
{
	for (size_t i = 0; i < user->group_len; i++)
		if (strcmp(user->groups[i], group) == 0)
			return true;
	return false;
}

bool
jp_user_same(const struct jp_user *a, const struct jp_user *b)
{
	if (strcmp(a->name, b->name) != 0 || a->disabled != b->disabled ||
	    a->protected != b->protected || strcmp(a->note, b->note) != 0 ||
	    a->group_len != b->group_len)
		return false;
	for (size_t i = 0; i < a->group_len; i++)
		if (!jp_user_in_group(b, a->groups[i]))
			return false;
	return true;
}
