/*
 * The bytes of a user's record: version u8, then name, disabled u8, changed_at
 * i64, changed_by, note, count u8 of groups, groups; strings and integers as
 * common/buf.h says.
 */
#include "common/user.h"

#include <string.h>

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
	jp_buf_put_u8(buf, user->disabled);
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
	memset(user, 0, sizeof(*user));
	jp_buf_get_str(buf, user->name, sizeof(user->name));
	user->disabled = jp_buf_get_enum(buf, 2) == 1;
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
	jp_buf_put_u8(&buf, JP_USER_VERSION);
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
	if (version == JP_USER_VERSION && jp_buf_end(&buf) == JP_ERR_OK)
		return JP_ERR_OK;
	memset(user, 0, sizeof(*user));
	return version > JP_USER_VERSION ? JP_ERR_NEWER : JP_ERR_DAMAGED;
}

enum jp_err
jp_group_check(const char *group, struct jp_why *why)
{
	if (group[0] == '\0')
		return jp_why(why, JP_ERR_INVALID, "a group's name is empty");
	if (strpbrk(group, " ,") != NULL)
		return jp_why(why, JP_ERR_INVALID,
		    "a group is one word: no spaces, no commas");
	return jp_text_check("group", group, JP_GROUP_MAX, why);
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
	    strcmp(a->note, b->note) != 0 || a->group_len != b->group_len)
		return false;
	for (size_t i = 0; i < a->group_len; i++)
		if (!jp_user_in_group(b, a->groups[i]))
			return false;
	return true;
}
