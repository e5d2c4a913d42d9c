#include "common/decide/member.h"

#include <string.h>

static bool
asks_name_service(struct jp_core *core)
{
	bool nss;

	pthread_rwlock_rdlock(&core->policy_lock);
	nss = core->policy.nss_groups;
	pthread_rwlock_unlock(&core->policy_lock);
	return nss;
}

/* The name service was asked before, or is now. */
static enum jp_err
ask_name_service(
    struct jp_core *core, const char *user, const char *group, bool *member)
{
	enum jp_member known = jp_groups_find(&core->groups, user, group);

	if (known == JP_MEMBER_UNKNOWN)
		return jp_groups_ask(&core->groups, user, group, member);
	*member = known == JP_MEMBER_YES;
	return JP_ERR_OK;
}

enum jp_err
jp_member(struct jp_core *core, const struct jp_user *user, const char *group,
    bool *member)
{
	*member = false;
	if (group[0] == '\0' || strchr(group, '\n') != NULL)
		return JP_ERR_OK; /* no name: the second would be a list */
	*member = jp_user_in_group(user, group);
	return *member || !asks_name_service(core)
	           ? JP_ERR_OK
	           : ask_name_service(core, user->name, group, member);
}

enum jp_err
jp_member_each(struct jp_core *core, const struct jp_user *user,
    jp_groups_take take, void *arg)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < user->group_len && err == JP_ERR_OK; i++)
		err = take(arg, user->groups[i]);
	return err == JP_ERR_OK && asks_name_service(core)
	           ? jp_groups_each(user->name, take, arg)
	           : err;
}
