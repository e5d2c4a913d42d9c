/* What a request is about: the one reading that check and act share. */
#include <string.h>

#include "common/admin/request.h"
#include "common/wire/token.h"

static bool
takes(enum jp_takes row, enum jp_target_kind kind)
{
	switch (row) {
	case JP_TAKES_NONE:
		return kind == JP_TARGET_NONE;
	case JP_TAKES_ID:
		return kind == JP_TARGET_ID;
	case JP_TAKES_USER_OR_NONE: /* creation asks for a user by itself */
		return kind != JP_TARGET_ID;
	case JP_TAKES_ID_OR_USER:
		return kind != JP_TARGET_NONE;
	}
	return false;
}

static enum jp_err
check_kind(const struct jp_admin_request *request,
    const struct jp_target *target, struct jp_why *why)
{
	static const char *const words[] = {
		[JP_TAKES_NONE] = "neither an id nor a user",
		[JP_TAKES_ID] = "the id of a token",
		[JP_TAKES_USER_OR_NONE] = "a user",
		[JP_TAKES_ID_OR_USER] = "the id of a token, or a user",
	};
	enum jp_takes row = jp_admin_op_info(request->op)->takes;

	return takes(row, target->kind)
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_INVALID, "this operation takes %s",
	                 words[row]);
}

/* Those who are no administrators speak of themselves. */
static enum jp_err
hold_to_owner(const char *owner, struct jp_target *target, struct jp_why *why)
{
	if (target->kind == JP_TARGET_NONE)
		*target = (struct jp_target){ JP_TARGET_USER, owner };
	if (target->kind == JP_TARGET_ID || strcmp(target->name, owner) == 0)
		return JP_ERR_OK; /* whose the token is, jp_job_get() looks at
		                   */
	return jp_why_refusal(why, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED,
	    "you are not an administrator: you may name yourself only, \"%s\"",
	    owner);
}

enum jp_err
jp_admin_target(const struct jp_admin_request *request,
    struct jp_target *target, struct jp_why *why)
{
	const char *id = request->record.id, *user = request->record.user;
	enum jp_err err;

	*target = (struct jp_target){ JP_TARGET_NONE, "" };
	if (id[0] != '\0' && user[0] != '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "the request names a token and a user: name one of them");
	if (id[0] != '\0')
		*target = (struct jp_target){ JP_TARGET_ID, id };
	else if (user[0] != '\0')
		*target = (struct jp_target){ JP_TARGET_USER, user };
	err = check_kind(request, target, why);
	if (err == JP_ERR_OK && target->kind == JP_TARGET_ID &&
	    !jp_token_id_valid(id))
		err = jp_why_refusal(why, JP_ERR_INVALID, JP_REFUSAL_NOT_FOUND,
		    "a token's id has %d letters and digits", JP_TOKEN_ID_LEN);
	if (err == JP_ERR_OK && request->owner != NULL)
		err = hold_to_owner(request->owner, target, why);
	return err;
}
