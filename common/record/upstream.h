/*
 * Upstream credentials: what a user shows the server behind a proxy, such as
 * their own personal access token of an unmodified Jira. They are live secrets
 * of another system, so only sealed ones are stored, and their key is not
 * (common/record/upstream_seal.h). A user has one for all services, or for
 * some of them one of their own, which then goes first.
 * Byte layout in common/record/upstream.c; its first byte is the version.
 */
#ifndef JP_UPSTREAM_H
#define JP_UPSTREAM_H

#include "common/record/record.h"

#define JP_UPSTREAM_VERSION 1
#define JP_UPSTREAM_RECORD_MAX 16384 /* bytes of an encoded record */
#define JP_UPSTREAMS_MAX 16          /* of a user */
#define JP_UPSTREAM_KEY_NAME_LEN 16
#define JP_UPSTREAM_SEAL_LEN 40 /* bytes: nonce and tag */
#define JP_UPSTREAM_SEALED_MAX (JP_UPSTREAM_SEAL_LEN + JP_SECRET_MAX)

/*
 * X(CODE, number, name): the scheme of the header. The number lies in the store
 * and crosses admin.sock: append only.
 */
#define JP_UPSTREAM_KIND_LIST(X)                                               \
	X(BEARER, 0, "bearer")                                                 \
	X(BASIC, 1, "basic")

enum jp_upstream_kind {
#define JP_UPSTREAM_KIND_ENUM(code, number, name) JP_UPSTREAM_##code = (number),
	JP_UPSTREAM_KIND_LIST(JP_UPSTREAM_KIND_ENUM)
#undef JP_UPSTREAM_KIND_ENUM
};

enum {
#define JP_UPSTREAM_KIND_ONE(...) +1
	JP_UPSTREAM_KIND_COUNT = 0 JP_UPSTREAM_KIND_LIST(JP_UPSTREAM_KIND_ONE)
#undef JP_UPSTREAM_KIND_ONE
};

const char *jp_upstream_kind_name(enum jp_upstream_kind kind);

struct jp_upstream {
	char service[JP_SERVICE_MAX + 1]; /* "": those without their own */
	enum jp_upstream_kind kind;
	int64_t set_at;
	char set_by[JP_ACTOR_MAX + 1];
	uint8_t key_name[JP_UPSTREAM_KEY_NAME_LEN]; /* of its key */
	size_t sealed_len; /* more than JP_UPSTREAM_SEAL_LEN */
	uint8_t sealed[JP_UPSTREAM_SEALED_MAX];
};

/* All of a user, in the order of their services, none of which occurs twice. */
struct jp_upstreams {
	char user[JP_USER_MAX + 1]; /* primary key */
	size_t len;                 /* 0: there is no record */
	struct jp_upstream of[JP_UPSTREAMS_MAX];
};

/* Encodes into JP_UPSTREAM_RECORD_MAX bytes; `len` gets the length. */
enum jp_err jp_upstreams_encode(
    const struct jp_upstreams *all, uint8_t *bytes, size_t *len);

/*
 * Any error leaves `all` zeroed: JP_ERR_NEWER for the version of a newer
 * jira-pat, JP_ERR_DAMAGED for bytes that no jp_upstreams_encode() wrote.
 */
enum jp_err
jp_upstreams_decode(struct jp_upstreams *all, const uint8_t *bytes, size_t len);

/* What is told of one: all but the sealed secret. Errors stick to `buf`. */
void jp_upstream_put(struct jp_buf *buf, const struct jp_upstream *upstream);
void jp_upstream_get(struct jp_buf *buf, struct jp_upstream *upstream);

/* That of exactly this service; NULL: none. */
struct jp_upstream *
jp_upstreams_exact(struct jp_upstreams *all, const char *service);

/* The one to be shown to `service`: its own, or that of all; NULL: none. */
struct jp_upstream *
jp_upstreams_for(struct jp_upstreams *all, const char *service);

/*
 * Puts `upstream` where the one of its service was, or would be;
 * JP_ERR_TOO_LONG: there are too many.
 */
enum jp_err
jp_upstreams_set(struct jp_upstreams *all, const struct jp_upstream *upstream);

/* Removes that of exactly this service; false: there is none. */
bool jp_upstreams_remove(struct jp_upstreams *all, const char *service);

#endif
