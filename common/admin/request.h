/*
 * What is asked of the operations of an administrator, and what they answer:
 * the rows of the operations, the request, the item. Who does it is not here.
 */
#ifndef JP_ADMIN_REQUEST_H
#define JP_ADMIN_REQUEST_H

#include "common/decide/cluster_view.h"
#include "common/decide/memo.h"
#include "common/decide/stats.h"
#include "common/decide/upstream.h"
#include "common/record/pepper.h"
#include "common/record/record.h"
#include "common/record/user.h"
#include "common/store/store.h"
#include "common/wire/verify.h"

/*
 * X(CODE, number, name, run, takes, self, staff, effect, dry_run): the
 * operations.
 * A row names all that depends on which one it is; the columns are the enums
 * below. The number crosses admin.sock: append only. `name` is its event in the
 * audit trail, jp_op_RUN() does it.
 */
#define JP_ADMIN_OP_LIST(X)                                                    \
	X(CREATE, 0, "create", create, USER_OR_NONE, CREATE, NO_STAFF,         \
	    CHANGES, DRY)                                                      \
	X(LIST, 1, "list", list, USER_OR_NONE, OWN, STAFF, READS, NOT_DRY)     \
	X(SHOW, 2, "show", show, ID, OWN, STAFF, READS, NOT_DRY)               \
	X(REVOKE, 3, "revoke", revoke, ID_OR_USER, OWN, STAFF, CHANGES,        \
	    NOT_DRY)                                                           \
	X(TEST, 4, "test", test, NONE, NEVER, NO_STAFF, READS, NOT_DRY)        \
	X(STATS, 5, "stats", stats, NONE, NEVER, NO_STAFF, READS, NOT_DRY)     \
	X(BACKUP, 6, "backup", backup, NONE, NEVER, NO_STAFF, COPIES, NOT_DRY) \
	X(EXPORT, 7, "export", export, NONE, NEVER, NO_STAFF, COPIES, NOT_DRY) \
	X(IMPORT, 8, "import", import, NONE, NEVER, NO_STAFF, CHANGES, DRY)    \
	X(PURGE, 9, "purge", purge, NONE, NEVER, NO_STAFF, ENDS, DRY)          \
	X(USERS, 10, "users", users, NONE, NEVER, STAFF, READS, NOT_DRY)       \
	X(USER, 11, "user", user, NONE, NEVER, NO_STAFF, READS, NOT_DRY)       \
	X(SET_USER, 12, "set-user", set_user, NONE, NEVER, NO_STAFF, CHANGES,  \
	    NOT_DRY)                                                           \
	X(ROTATE, 13, "rotate", rotate, ID, ROTATE, NO_STAFF, CHANGES, DRY)    \
	X(POLICY, 14, "policy", policy, NONE, NEVER, STAFF_DRY, ENDS, DRY)     \
	X(SET_USERS, 15, "set-users", set_users, NONE, NEVER, NO_STAFF,        \
	    CHANGES, NOT_DRY)                                                  \
	X(CREATE_MANY, 16, "create", create_many, NONE, NEVER, NO_STAFF,       \
	    CHANGES, DRY)                                                      \
	X(IMPORT_USERS, 17, "import", import_users, NONE, NEVER, NO_STAFF,     \
	    CHANGES, DRY)                                                      \
	X(UPSTREAMS, 18, "upstreams", upstreams, USER_OR_NONE, NEVER,          \
	    NO_STAFF, READS, NOT_DRY)                                          \
	X(SET_UPSTREAM, 19, "set-upstream", set_upstream, USER_OR_NONE, NEVER, \
	    NO_STAFF, CHANGES, NOT_DRY)                                        \
	X(REMOVE_UPSTREAM, 20, "remove-upstream", remove_upstream,             \
	    USER_OR_NONE, NEVER, NO_STAFF, CHANGES, NOT_DRY)                   \
	X(REKEY_UPSTREAM, 21, "rekey-upstream", rekey_upstream, NONE, NEVER,   \
	    NO_STAFF, CHANGES, NOT_DRY)                                        \
	X(DISABLE, 22, "disable", disable, ID, OWN, STAFF, CHANGES, NOT_DRY)   \
	X(ENABLE, 23, "enable", enable, ID, OWN, STAFF, CHANGES, NOT_DRY)      \
	X(CLAIM, 24, "claim", claim, ID, OWN, NO_STAFF, CHANGES, NOT_DRY)      \
	X(CLUSTER, 25, "cluster", cluster, NONE, NEVER, NO_STAFF, READS,       \
	    NOT_DRY)

enum jp_admin_op {
#define JP_ADMIN_OP_ENUM(                                                      \
    code, number, name, run, takes, self, staff, effect, dry)                  \
	JP_ADMIN_##code = (number),
	JP_ADMIN_OP_LIST(JP_ADMIN_OP_ENUM)
#undef JP_ADMIN_OP_ENUM
};

enum {
#define JP_ADMIN_OP_ONE(...) +1
	JP_ADMIN_OP_COUNT = 0 JP_ADMIN_OP_LIST(JP_ADMIN_OP_ONE)
#undef JP_ADMIN_OP_ONE
};

/* What an operation may name in request.record. */
enum jp_takes {
	JP_TAKES_NONE,
	JP_TAKES_ID,
	JP_TAKES_USER_OR_NONE,
	JP_TAKES_ID_OR_USER,
};

/* What a user who is no administrator gets of it. */
enum jp_self {
	JP_SELF_NEVER,  /* it is for administrators */
	JP_SELF_OWN,    /* of the own tokens */
	JP_SELF_CREATE, /* a new token, within the policy */
	JP_SELF_ROTATE, /* the same, with the rights of an old one */
};

/* Whether the administrators' group gets it in self-service, of all users. */
enum jp_staff {
	JP_NO_STAFF = 0,
	JP_STAFF = 1,
	JP_STAFF_DRY = 2, /* its dry run alone */
};

/* What it does to the store, and what the audit trail holds of it. */
enum jp_effect {
	JP_EFFECT_CHANGES, /* each change is logged */
	JP_EFFECT_ENDS,    /* the same, by the times of tokens and for good: it
	                      wants a clock that is right */
	JP_EFFECT_READS,   /* changes nothing and logs nothing, or itself */
	JP_EFFECT_COPIES,  /* reads all: that it began is logged */
};

enum {
	JP_RUN_NOT_DRY =
	    0, /* a dry run of it is refused: it would not be dry */
	JP_RUN_DRY = 1,
};

struct jp_admin_op_info {
	const char *name;
	enum jp_takes takes;
	enum jp_self self;
	enum jp_staff staff;
	enum jp_effect effect;
	bool dry_run; /* there is one */
};

/* The row of `op`; of a number that is no operation: one that permits nothing.
 */
const struct jp_admin_op_info *jp_admin_op_info(enum jp_admin_op op);

/* Whether the store may be another after it. */
bool jp_admin_op_changes(enum jp_admin_op op);

/*
 * The scope by which a token may make others, and manage those of its user. A
 * token without scopes does not have this one.
 */
#define JP_SCOPE_TOKENS "tokens"

/* How long a child lives if nothing is asked for, and its parent does: seconds.
 */
#define JP_CHILD_LIFETIME INT64_C(3600)

/* In whose name a front asks; user "": in its own. */
struct jp_behalf {
	char user[JP_USER_MAX + 1];
	char token[JP_TOKEN_ID_LEN + 1]; /* the token that proved it; "": the
	                                    single sign-on did */
	char address[JP_RHOST_MAX + 1];  /* where the user is, for the audit
	                                    trail */
	bool staff; /* asks as a member of the administrators' group */
};

/*
 * A request. Which fields an operation reads:
 * CREATE: record.{user, name, scopes, services, nets, parent, owner_group,
 *         uses_max}, lifetime, expires_at, link_for, dry_run; answers TOKEN, or
 *         LINK
 * LIST: record.user ("": everybody), all, statuses, expiring (0: do not care),
 *       unused, places_since, search, after, limit; answers records, and PAGE
 * where it was cut. An owner's list has the tokens of the owner's groups, too
 * SHOW: record.id      REVOKE: record.{id or user, not both; revoked_why}
 * TEST: question       BACKUP: none
 * STATS: none; answers STATS, then what CLUSTER does, where patd is one of one
 * CLUSTER: none; answers CLUSTER, then HOST for each host; JP_ERR_NOT_FOUND on
 * a single host
 * EXPORT: all (users who are not disabled, too); answers records, then users
 * IMPORT: batch, dry_run, skip_known      PURGE: dead_for, dry_run
 * ROTATE: record.id, lifetime (default: that of the old one), expires_at,
 * grace, keep_until_grace, dry_run; answers the new token, then the old record
 * POLICY: dry_run, summary; answers the records that break it, mended unless
 * dry, or COUNTS
 * DISABLE, ENABLE: record.id; answers its record
 * CLAIM: record.id, question.token: the code of the link; answers TOKEN
 * USERS: all (false: the disabled ones alone)      USER: user.name
 * SET_USER: user.name, and those fields that `user_fields` names
 * SET_USERS: batch, of users
 * CREATE_MANY: batch, of tokens; link_for, dry_run; answers the records that
 * it is about to store, in its order, and once all of them are stored the new
 * tokens, or links
 * IMPORT_USERS: batch, of users; dry_run, skip_known; answers a row for each
 * user who has a record already, and is not changed
 *
 * UPSTREAMS: record.user ("": everybody)
 * SET_UPSTREAM: record.user, question.{service ("": all without their own),
 * token: the secret as it was typed}
 * REMOVE_UPSTREAM: record.user, question.service, all (of that user)
 * REKEY_UPSTREAM: none; answers those that it cannot open, and then fails
 *
 * Of a batch all rows are stored, in one transaction, or none. The row that is
 * in the way is the last item before the error.
 */
struct jp_admin_request {
	enum jp_admin_op op;
	const char *owner; /* NULL: an administrator; else who asks, and whose
	                      tokens alone this is about. Never on the wire */
	uid_t front;       /* of the process that names behalf.user. Never on
	                      the wire, either */
	struct jp_record record;
	enum jp_lifetime {
		JP_LIFETIME_DEFAULT = 0, /* of the policy */
		JP_LIFETIME_NEVER = 1,
		JP_LIFETIME_UNTIL = 2, /* `expires_at` */
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
		JP_CLOCK_ANY =
		    0, /* purge, policy: as JP_CLOCK_NEAR, unless dry */
		JP_CLOCK_NEAR =
		    1, /* only if it is not far off (clock_guard.h) */
		JP_CLOCK_TRUST = 2, /* a human says that it is right */
	} clock_rule;
	struct jp_behalf behalf;
	int64_t link_for; /* seconds until a link ends, by which the user
	                     fetches the token; 0: it is made at once */
	char after[JP_TOKEN_ID_LEN + 1]; /* goes on behind this one */
	uint32_t limit;                  /* items at most; 0: all */
	char search[JP_NAME_MAX + 1];    /* only those whose user, name or id
	                                    contains it, in any case of ASCII */
	unsigned int statuses; /* bits 1 << enum jp_status; 0: as `all` says */
	bool summary;          /* COUNTS instead of the records; dry only */
	int64_t places_since;  /* list: only those that were used from an
	                          address that is new since then; 0: any */
};

/* Whether the administrators' group may ask for that in self-service. */
bool jp_admin_staff_may(const struct jp_admin_request *request);

/* Which fields of a user an operation sets; the others stay as they are. */
enum {
	JP_USER_STATE = 1, /* disabled */
	JP_USER_NOTE = 2,
	JP_USER_GROUPS = 4,
	JP_USER_PROTECTION = 8, /* protected */
	JP_USER_FIELDS = 15,
};

/*
 * X(CODE, number, setting, act): what a token breaks of today's policy; the
 * worst, if it is more. `setting` is that of [tokens], `act` what `pat-admin
 * policy apply` does. The number crosses admin.sock: append only.
 */
#define JP_BREACH_LIST(X)                                                      \
	X(NONE, 0, "", "")                                                     \
	X(UNUSED, 1, "unused_limit", "revoke")                                 \
	X(NAME, 2, "name_required", "revoke")                                  \
	/* not of the newest of its user */                                    \
	X(COUNT, 3, "max_per_user", "revoke")                                  \
	X(LIFETIME, 4, "max_lifetime", "shorten")

enum jp_breach {
#define JP_BREACH_ENUM(code, number, setting, act) JP_BREACH_##code = (number),
	JP_BREACH_LIST(JP_BREACH_ENUM)
#undef JP_BREACH_ENUM
};

enum {
#define JP_BREACH_ONE(...) +1
	JP_BREACH_COUNT_OF = 0 JP_BREACH_LIST(JP_BREACH_ONE)
#undef JP_BREACH_ONE
};

/* The two words about it; never NULL. */
const char *jp_breach_setting(enum jp_breach breach);
const char *jp_breach_act(enum jp_breach breach);

/*
 * X(CODE, number, more): the kinds of item, and what each carries beside the
 * fields of all: see common/admin/wire.c. The number crosses admin.sock: append
 * only.
 * RECORD: record, state; changed: by this operation
 * TOKEN: the same, and token: shown this once
 * DECISION: reason; record.id: the id in the token, or ""
 * STATS: store, argon2_runs, memo, stats
 * PIECE: of a file of the backup
 * MOVED: record, with PHC string and fast tag; pepper
 * USER: user, live, changed
 * ROW: row, of the batch
 * UPSTREAM: user.name, upstream but for what is sealed, upstream_state, changed
 * LINK: as TOKEN, but token is the code of the link that fetches it
 * PAGE: record.id: behind this one the next page begins
 * COUNTS: breaches; live: how many tokens are live
 * CLUSTER: here
 * HOST: host
 * END: no item, but the end of them on admin.sock; no operation emits it
 */
#define JP_ADMIN_ITEM_LIST(X)                                                  \
	X(RECORD, 0, nothing)                                                  \
	X(TOKEN, 1, nothing)                                                   \
	X(DECISION, 2, nothing)                                                \
	X(STATS, 3, numbers)                                                   \
	X(PIECE, 4, piece)                                                     \
	X(MOVED, 5, pepper)                                                    \
	X(USER, 6, user)                                                       \
	X(END, 7, nothing)                                                     \
	X(ROW, 8, row)                                                         \
	X(UPSTREAM, 9, upstream)                                               \
	X(LINK, 10, nothing)                                                   \
	X(PAGE, 11, nothing)                                                   \
	X(COUNTS, 12, counts)                                                  \
	X(CLUSTER, 13, here)                                                   \
	X(HOST, 14, host)

enum jp_admin_kind {
#define JP_ADMIN_ITEM_ENUM(code, number, more) JP_ITEM_##code = (number),
	JP_ADMIN_ITEM_LIST(JP_ADMIN_ITEM_ENUM)
#undef JP_ADMIN_ITEM_ENUM
};

enum {
#define JP_ADMIN_ITEM_ONE(...) +1
	JP_ITEM_COUNT = 0 JP_ADMIN_ITEM_LIST(JP_ADMIN_ITEM_ONE)
#undef JP_ADMIN_ITEM_ONE
};

/* What an operation answers: no, one or many items, in order. */
struct jp_admin_item {
	enum jp_admin_kind kind;
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
	uint64_t live; /* tokens that are live, of the user if it names one */
	uint64_t breaches[JP_BREACH_COUNT_OF]; /* tokens; NONE: that break none
	                                        */
	uint32_t row;                          /* from 0 */
	struct jp_upstream upstream;
	enum jp_upstream_state upstream_state;
	struct jp_cluster_here here;
	struct jp_cluster_node host;
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

#endif
