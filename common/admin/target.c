/* What a request is about: the one reading that check and act share. */
#include <string.h>

#include "common/admin/job.h"

/* What an operation may name; none of these: it names nothing. */
enum {
	TAKES_ID = 1,
	TAKES_USER = 2,
	MAY_TAKE_NONE = 4,
};

static const unsigned int takes[JP_ADMIN_OP_COUNT] = {
	[JP_ADMIN_CREATE] = TAKES_USER | MAY_TAKE_NONE, /* do_create() asks */
	[JP_ADMIN_LIST] = TAKES_USER | MAY_TAKE_NONE,
	[JP_ADMIN_SHOW] = TAKES_ID,
	[JP_ADMIN_REVOKE] = TAKES_ID | TAKES_USER,
	[JP_ADMIN_ROTATE] = TAKES_ID,
};

static enum jp_err
check_kind(const struct jp_admin_request *request,
    const struct jp_target *target, struct jp_why *why)
{
	static const char *const words[] = {
		[0] = "neither an id nor a user",
		[TAKES_ID] = "the id of a token",
		[TAKES_USER] = "a user",
		[TAKES_ID | TAKES_USER] = "the id of a token, or a user",
	};
	unsigned int mask = takes[request->op];
	bool good = false;

	switch (target->kind) {
	case JP_TARGET_NONE:
		good = mask == 0 || (mask & MAY_TAKE_NONE) != 0;
		break;
	case JP_TARGET_ID:
		good = (mask & TAKES_ID) != 0;
		break;
	case JP_TARGET_USER:
		good = (mask & TAKES_USER) != 0;
		break;
	}
	return good ? JP_ERR_OK
	            : jp_why(why, JP_ERR_INVALID, "this operation takes %s",
	                  words[mask & (TAKES_ID | TAKES_USER)]);
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
	return jp_why(why, JP_ERR_REFUSED,
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
		err = jp_why(why, JP_ERR_INVALID,
		    "a token's id has %d letters and digits", JP_TOKEN_ID_LEN);
	if (err == JP_ERR_OK && request->owner != NULL)
		err = hold_to_owner(request->owner, target, why);
	return err;
}
