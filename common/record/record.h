/*
 * common/record/: what is kept of tokens and users.
 *
 * What is stored of a token. The secret is not: only its Argon2id hash, and
 * for tokens that jira-pat generated a fast tag (common/record/pepper.h). Byte
 * layout in common/record/record.c; its first byte is the format's version.
 */
#ifndef JP_RECORD_H
#define JP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/net.h"
#include "common/base/text.h"
#include "common/sys/time_text.h"
#include "common/wire/token.h"
#include "common/wire/verify.h"

/* 1 ends behind the fast tag, 2 before prefix, 3 before parent. */
#define JP_RECORD_VERSION 4
#define JP_RECORD_MAX 8192 /* bytes of an encoded record */
#define JP_SCOPE_MAX 32    /* bytes of a scope */
#define JP_SCOPES_MAX 16
#define JP_SERVICES_MAX 16
#define JP_NETS_MAX 16
#define JP_USES_MAX 5
#define JP_REASON_MAX 23 /* bytes of the name of a reason */
#define JP_PHC_MAX 127   /* bytes of a PHC string */
#define JP_FAST_TAG_LEN 16
#define JP_PARENTS_MAX 4 /* ancestors of a token */

struct jp_use {
	int64_t at;
	int64_t since; /* when it was first used from that address, as far as
	                  the list goes back; JP_NEVER: it is the first address
	                  of all, or of before that was kept */
	char rhost[JP_RHOST_MAX + 1];
	char service[JP_SERVICE_MAX + 1];
};

struct jp_record {
	char id[JP_TOKEN_ID_LEN + 1]; /* primary key */
	char user[JP_USER_MAX + 1];   /* indexed */
	char name[JP_NAME_MAX + 1];
	int64_t created_at;
	char created_by[JP_ACTOR_MAX + 1];
	int64_t expires_at; /* indexed; JP_NEVER: does not expire */
	int64_t revoked_at; /* JP_NEVER: is not revoked */
	char revoked_by[JP_ACTOR_MAX + 1];
	char revoked_why[JP_NOTE_MAX + 1];
	int64_t last_used_at; /* JP_NEVER: was not used */
	uint32_t use_count;
	size_t use_len; /* of `uses`, newest first */
	struct jp_use uses[JP_USES_MAX];
	size_t scope_len; /* 0: holds every scope */
	char scopes[JP_SCOPES_MAX][JP_SCOPE_MAX + 1];
	size_t service_len; /* 0: serves every service; else globs */
	char services[JP_SERVICES_MAX][JP_SERVICE_MAX + 1];
	size_t net_len; /* 0: comes from anywhere */
	struct jp_net nets[JP_NETS_MAX];
	char family[JP_TOKEN_ID_LEN + 1]; /* id of the first of its rotations */
	int64_t superseded_at;            /* JP_NEVER: was not rotated */
	int64_t grace_until;   /* if superseded: until when it lives */
	bool keep_until_grace; /* its successor's first use does not end it */
	char ends[JP_TOKEN_ID_LEN + 1]; /* the token that its first use ends,
	                                   or "": none, or it has */
	int64_t denied_at; /* JP_NEVER: it was not, since its secret is known */
	char denied_why[JP_REASON_MAX + 1];
	char phc[JP_PHC_MAX + 1];
	bool has_fast_tag;
	uint8_t fast_tag[JP_FAST_TAG_LEN];
	char prefix[JP_TOKEN_PREFIX_MAX + 1]; /* of its text; "": it has none,
	                                         or that is not known yet */
	char parent[JP_TOKEN_ID_LEN + 1];     /* it is a child of; "": none */
	char owner_group[JP_GROUP_MAX + 1];   /* indexed; it manages the token,
	                                         besides administrators; "": the
	                                         user does. `user` is whom the
	                                         token acts as */
	int64_t disabled_at;                  /* JP_NEVER: it is not */
	char disabled_by[JP_ACTOR_MAX + 1];
	uint32_t uses_max;   /* how often it may be used; 0: unlimited */
	uint32_t uses_left;  /* if uses_max is not 0 */
	int64_t claim_until; /* it waits to be fetched until then;
	                        JP_NEVER: it does not wait */
	uint8_t claim_tag[JP_FAST_TAG_LEN]; /* of the code that fetches it;
	                                       zeroes: none does */
};

/*
 * X(CODE, number, name, status, cause): the state of a token at a moment. The
 * number crosses admin.sock: append only. `name` is its word in JSON, `status`
 * and `cause` are those for people.
 */
#define JP_STATE_LIST(X)                                                       \
	X(REVOKED, 0, "revoked", DEAD, "revoked")                              \
	X(SUPERSEDED, 1, "superseded", DEAD, "superseded")                     \
	X(EXPIRED, 2, "expired", DEAD, "expired")                              \
	X(LIVE, 3, "live", LIVE, "")                                           \
	X(REPLACED, 4, "replaced", LIVE, "")                                   \
	X(UNUSED, 5, "paused", PAUSED, "unused")                               \
	X(USER_DISABLED, 6, "paused", PAUSED, "user-disabled")                 \
	X(PREFIX, 7, "dead", DEAD, "prefix")                                   \
	X(DISABLED, 8, "paused", PAUSED, "disabled")                           \
	X(PARENT, 9, "dead", DEAD, "parent")                                   \
	X(PARENT_PAUSED, 10, "paused", PAUSED, "parent")                       \
	X(USED_UP, 11, "dead", DEAD, "used-up")                                \
	X(UNCLAIMED, 12, "paused", PAUSED, "unclaimed")

enum jp_state {
#define JP_STATE_ENUM(code, number, name, status, cause)                       \
	JP_STATE_##code = (number),
	JP_STATE_LIST(JP_STATE_ENUM)
#undef JP_STATE_ENUM
};

enum {
#define JP_STATE_ONE(...) +1
	JP_STATE_COUNT = 0 JP_STATE_LIST(JP_STATE_ONE)
#undef JP_STATE_ONE
};

enum jp_status {
	JP_STATUS_LIVE,   /* some front door takes it */
	JP_STATUS_PAUSED, /* it may live again */
	JP_STATUS_DEAD,
	JP_STATUS_COUNT,
};

const char *jp_state_name(enum jp_state state);
enum jp_status jp_state_status(enum jp_state state);
const char *jp_status_name(enum jp_status status);

/* Why it is not live, in one word; "" for one that is. */
const char *jp_state_cause(enum jp_state state);

/*
 * The state of `record` in words: "live", "replaced until TIME", "paused:
 * CAUSE" or "dead: CAUSE".
 */
#define JP_STATE_TEXT_MAX 48
void jp_state_format(enum jp_state state, const struct jp_record *record,
    char text[JP_STATE_TEXT_MAX]);

/*
 * Whether it was rotated and its end, by grace or by use of its successor, is
 * past at `now`, whatever else there is about it. Where no grace is left it has
 * ended at any `now`: the clock of who rotated it may be ahead of this one.
 */
bool jp_record_superseded(const struct jp_record *record, int64_t now);

/*
 * The state at `now` by the record alone: revoked, superseded, expired, used
 * up, unclaimed, disabled or else live. A token ends in the second that is its
 * end. One whose link has lapsed stays unclaimed: it may be sent another.
 */
enum jp_state jp_record_state(const struct jp_record *record, int64_t now);

/* Whether it has ended by the record alone: one that is paused has not. */
bool jp_record_ended(const struct jp_record *record, int64_t now);

/*
 * What the state of `parent`, by its record alone, means for its child `record`
 * (of a grandparent: for the parent): the same, but that its uses are used up
 * does not end a child that has its own.
 */
enum jp_state jp_record_state_of_parent(const struct jp_record *parent,
    const struct jp_record *record, int64_t now);

/* Whether it was not used for longer than `limit` seconds; JP_NEVER: no limit.
 */
bool
jp_record_unused(const struct jp_record *record, int64_t limit, int64_t now);

/* What is around a record and makes its state. */
struct jp_circumstances {
	int64_t now;
	int64_t unused_limit; /* seconds; JP_NEVER: unlimited */
	bool prefix_accepted; /* by today's configuration */
	bool user_disabled;
	/*
	 * Of a child: the worst that jp_record_state_of_parent() says of all
	 * its ancestors, where dead is worse than paused; JP_STATE_REVOKED, as
	 * in zeroes, if one of them is gone. Of others it is not looked at.
	 */
	enum jp_state parent;
};

/*
 * The state for people: what the decision would say of it at a door that asks
 * for nothing more.
 */
enum jp_state jp_record_state_in(
    const struct jp_record *record, const struct jp_circumstances *around);

/*
 * When it ends or ended: revoked, superseded past its grace, expired, or used
 * for the last time, whichever is first; JP_NEVER if nothing of these is set.
 */
int64_t jp_record_end(const struct jp_record *record);

/*
 * When it was made: an imported record may say that this is still to come, but
 * it is there at `now`.
 */
int64_t jp_record_made_at(const struct jp_record *record, int64_t now);

/*
 * For how many seconds it was made, at least 1 while it lives; JP_NEVER: it
 * does not expire.
 */
int64_t jp_record_lifetime(const struct jp_record *record, int64_t now);

/*
 * Whether the i-th of its uses is from an address that is new at or after
 * `since`, and none before it in the list is from the same.
 */
bool
jp_record_place_is_new(const struct jp_record *record, size_t i, int64_t since);

/* When it was last used, or else made. */
int64_t jp_record_last_sign(const struct jp_record *record);

/* Encodes into JP_RECORD_MAX bytes; `len` gets the length. */
enum jp_err
jp_record_encode(const struct jp_record *record, uint8_t *bytes, size_t *len);

/*
 * Any error leaves `record` zeroed: JP_ERR_NEWER for the version of a newer
 * jira-pat, JP_ERR_DAMAGED for bytes that no jp_record_encode() wrote.
 */
enum jp_err
jp_record_decode(struct jp_record *record, const uint8_t *bytes, size_t len);

/*
 * Reads just the two indexed fields, without copying: for the indexes of the
 * store. `user` points into `bytes`.
 */
enum jp_err jp_record_peek(const uint8_t *bytes, size_t len, const char **user,
    size_t *user_len, int64_t *expires_at);

/*
 * Reads just the group that owns it, of length 0 if none does: for that index
 * of the store. `group` points into `bytes`. Errors as jp_record_decode().
 */
enum jp_err jp_record_peek_owner(
    const uint8_t *bytes, size_t len, const char **group, size_t *group_len);

/*
 * The part of the encoding that says what a token may be used for: scopes,
 * services and networks. Errors stick to `buf`.
 */
void jp_limits_put(struct jp_buf *buf, const struct jp_record *record);
void jp_limits_get(struct jp_buf *buf, struct jp_record *record);

/*
 * The id under which an imported secret of `user` is kept, which has no id of
 * its own: there is one for each user.
 */
void jp_imported_id(const char *user, char id[JP_TOKEN_ID_LEN + 1]);

#endif
