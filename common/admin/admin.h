/*
 * The operations of an administrator. The same code serves pat-admin in its
 * own process and patd on admin.sock: common/admin/wire.h carries requests and
 * items between the two.
 */
#ifndef JP_ADMIN_H
#define JP_ADMIN_H

#include "common/decide/core.h"
#include "common/decide/decide.h"

/* X(CODE, name) */
#define JP_ADMIN_OP_LIST(X)                                                    \
	X(CREATE, "create")                                                    \
	X(LIST, "list")                                                        \
	X(SHOW, "show")                                                        \
	X(REVOKE, "revoke")                                                    \
	X(TEST, "test")                                                        \
	X(STATS, "stats")                                                      \
	X(BACKUP, "backup")                                                    \
	X(EXPORT, "export")                                                    \
	X(IMPORT, "import")                                                    \
	X(PURGE, "purge")                                                      \
	X(USERS, "users")                                                      \
	X(USER, "user")                                                        \
	X(SET_USER, "set-user")                                                \
	X(ROTATE, "rotate")                                                    \
	X(POLICY, "policy")                                                    \
	X(SET_USERS, "set-users")

enum jp_admin_op {
#define JP_ADMIN_OP_ENUM(code, name) JP_ADMIN_##code,
	JP_ADMIN_OP_LIST(JP_ADMIN_OP_ENUM)
#undef JP_ADMIN_OP_ENUM
	    JP_ADMIN_OP_COUNT
};

/*
 * A request. Which fields an operation reads:
 * CREATE: record.{user, name, scopes, services, nets}, lifetime, expires_at,
 *         dry_run
 * LIST: record.user ("": everybody), all, expiring (0: do not care)
 * SHOW: record.id      REVOKE: record.{id or user, not both; revoked_why}
 * TEST: question       STATS, BACKUP: none
 * EXPORT: all (users who are not disabled, too); answers records, then users
 * IMPORT: batch, dry_run, skip_known      PURGE: dead_for, dry_run
 * ROTATE: record.id, lifetime (default: that of the old one), expires_at,
 * grace, keep_until_grace, dry_run; answers the new token, then the old record
 * POLICY: dry_run; answers the records that break it, mended unless dry
 * USERS: all (false: the disabled ones alone)      USER: user.name
 * SET_USER: user.name, and those fields that `user_fields` names
 * SET_USERS: batch, of users; all of them or none, in one transaction; answers
 * nothing
 */
struct jp_admin_request {
	enum jp_admin_op op;
	const char *owner; /* NULL: an administrator; else who asks, and whose
	                      tokens alone this is about. Never on the wire */
	struct jp_record record;
	enum jp_lifetime {
		JP_LIFETIME_DEFAULT, /* of the policy */
		JP_LIFETIME_NEVER,
		JP_LIFETIME_UNTIL, /* `expires_at` */
	} lifetime;
	int64_t expires_at;
	bool all;         /* list: dead ones too */
	int64_t expiring; /* list: only those that end within these seconds */
	struct jp_request question;
	int64_t dead_for;     /* purge: seconds since its end, at least */
	bool dry_run;         /* changes nothing; others than those: invalid */
	bool skip_known;      /* import: an id that is there is no error */
	const uint8_t *batch; /* as common/admin/batch.h writes it; the
	                         requester's, in `batch_len` bytes */
	size_t batch_len;
	int64_t unused; /* list: only those not used for longer; 0: any */
	int64_t grace;  /* seconds */
	bool keep_until_grace;
	struct jp_user user;
	unsigned int user_fields; /* JP_USER_STATE and the like, or-ed */
	enum jp_clock_rule {
		JP_CLOCK_ANY,  /* purge, policy: as JP_CLOCK_NEAR, unless dry */
		JP_CLOCK_NEAR, /* only if it is not far off (clock_guard.h) */
		JP_CLOCK_TRUST, /* a human says that it is right */
	} clock_rule;
};

/* Which fields of a user an operation sets; the others stay as they are. */
enum {
	JP_USER_STATE = 1, /* disabled */
	JP_USER_NOTE = 2,
	JP_USER_GROUPS = 4,
	JP_USER_PROTECTION = 8, /* protected */
	JP_USER_FIELDS = 15,
};

/* What a token breaks of today's policy; the worst, if it is more. */
enum jp_breach {
	JP_BREACH_NONE,
	JP_BREACH_UNUSED,   /* unused_limit */
	JP_BREACH_NAME,     /* name_required */
	JP_BREACH_COUNT,    /* max_per_user: not of the newest of its user */
	JP_BREACH_LIFETIME, /* max_lifetime: it can be shortened */
	JP_BREACH_COUNT_OF,
};

/* What an operation answers: no, one or many items, in order. */
struct jp_admin_item {
	enum jp_admin_kind {
		JP_ITEM_RECORD, /* record, state; changed: by this operation */
		JP_ITEM_TOKEN,  /* the same, and token: shown this once */
		JP_ITEM_DECISION, /* reason; record.id: the id in the token, or
		                     "" */
		JP_ITEM_STATS,    /* store, argon2_runs, memo, stats */
		JP_ITEM_PIECE,    /* piece: of a file of the backup */
		JP_ITEM_MOVED,    /* record, with PHC string and fast tag;
		                     pepper */
		JP_ITEM_USER,     /* user, live, changed */
		JP_ITEM_COUNT,
	} kind;
	struct jp_record record; /* without PHC string and fast tag, mostly */
	enum jp_state state;
	bool changed;
	enum jp_breach breach; /* of POLICY */
	struct jp_secret token;
	enum jp_reason reason;
	struct jp_store_info store;
	uint64_t argon2_runs;
	struct jp_memo_counts memo;
	struct jp_stats_shot stats;
	struct jp_user user;
	uint64_t live;         /* tokens of the user that are live */
	struct jp_piece piece; /* what it points to is the emitter's */
	char piece_name[JP_FILE_NAME_MAX + 1];
	uint8_t pepper[JP_PEPPER_NAME_LEN]; /* name of the fast tag's */
};

/* The name of the pepper in a backup. */
#define JP_BACKUP_PEPPER "pepper.key"

/* What a request is about: a token, all that a user has, or neither. */
struct jp_target {
	enum jp_target_kind {
		JP_TARGET_NONE,
		JP_TARGET_ID,
		JP_TARGET_USER,
	} kind;
	const char *name; /* the id or the user; the request's */
};

/*
 * Reads the target of `request`, once for the check of rights and for the act:
 * what one of them sees, the other does. JP_ERR_INVALID for a token and a user
 * at once, for what the operation does not take, and for what is no id;
 * JP_ERR_REFUSED where an owner names another user. An owner who names nothing
 * means all that is the owner's. Whose the token of an id is, the operation
 * looks at when it reads it.
 */
enum jp_err jp_admin_target(const struct jp_admin_request *request,
    struct jp_target *target, struct jp_why *why);

/* Takes one item; an error ends the operation with it. */
typedef enum jp_err (*jp_admin_emit)(
    void *arg, const struct jp_admin_item *item);

/*
 * Runs one operation for `actor` (a local user's name). JP_ERR_INVALID (a
 * field), JP_ERR_REFUSED (by the policy), JP_ERR_NOT_FOUND, or what the store
 * says: `why` is then set, and nothing has been changed. An error of `emit` is
 * returned, too: a created token is then taken back, a revocation stays.
 */
enum jp_err jp_admin_execute(struct jp_core *core, const char *actor,
    const struct jp_admin_request *request, jp_admin_emit emit, void *arg,
    struct jp_why *why);

#endif
