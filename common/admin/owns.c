#include "common/admin/owns.h"

#include <string.h>

#include "common/decide/member.h"

enum jp_err
jp_admin_in_group(struct jp_core *core, const char *user, const char *group,
    bool *in, struct jp_why *why)
{
	struct jp_user record;
	enum jp_err err = jp_store_user(core->store, user, &record);

	*in = false;
	if (err != JP_ERR_OK)
		return jp_why(why, err, "the store: %s", jp_err_text(err));
	err = jp_member(core, &record, group, in);
	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, err,
	                 "cannot find out who is in the group %.64s: %s", group,
	                 jp_err_text(err));
}

enum jp_err
jp_admin_owns(struct jp_core *core, const char *user,
    const struct jp_record *record, bool *owns, struct jp_why *why)
{
	*owns = strcmp(record->user, user) == 0;
	return *owns || record->owner_group[0] == '\0'
	           ? JP_ERR_OK
	           : jp_admin_in_group(
	                 core, user, record->owner_group, owns, why);
}
