/*
 * Who may ask for what on admin.sock, and in whose name: administrators for all
 * of it, local users for tokens of their own, and pat-httpd for those of the
 * user whom it names. What passes here is then for jp_admin_execute(), which
 * holds it to the owner and checks everything else.
 */
#ifndef JP_SELF_SERVICE_H
#define JP_SELF_SERVICE_H

#include "common/admin/admin.h"
#include "common/config/acl.h"

/* What the configuration allows. */
struct jp_self_rules {
	bool local;                    /* [patd] self_service */
	struct jp_self_settings front; /* [self_service] */
};

/* The process at the other end. */
struct jp_asker {
	enum jp_peer peer;
	uid_t uid;
	const char *account; /* its user, as jp_actor_name() has it */
};

/* What else follows from the permission. */
struct jp_permit {
	char actor[JP_ACTOR_MAX + 1]; /* for records and the audit trail: the
	                                 account, "sso:USER" or "token:ID" */
	bool limited; /* it makes a token for request->owner, and is not done
	                 as often as one likes */
};

/* Whether that peer may ask for anything at all. */
bool jp_self_may_connect(const struct jp_self_rules *rules, enum jp_peer peer);

/*
 * Decides whether `asker` may ask for that. Sets request->owner, which points
 * into `request` or is the asker's account, or to NULL: then it is about the
 * tokens of all. Narrows what an owner asks for to what the policy allows, and
 * to what the token that asks has: a default becomes the longest or widest.
 * JP_ERR_REFUSED with `why` and its refusal for what is not allowed,
 * JP_ERR_INVALID as jp_admin_target() has it, JP_ERR_UNREACHABLE if it is not
 * known who is in a group, and errors of the store: nothing is permitted then.
 */
enum jp_err
jp_self_service(struct jp_core *core, const struct jp_self_rules *rules,
    const struct jp_asker *asker, struct jp_admin_request *request,
    struct jp_permit *permit, struct jp_why *why);

#endif
