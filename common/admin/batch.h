/*
 * Many in one request of the admin protocol, as rows: records on their way from
 * one store to another, each with the name of the pepper that its fast tag was
 * made under; users; or tokens to be made. A batch is one transaction, so what
 * it locks and logs is bounded.
 */
#ifndef JP_BATCH_H
#define JP_BATCH_H

#include "common/admin/request.h"

#define JP_BATCH_MAX 49152 /* bytes of a batch */
#define JP_BATCH_ROWS 256  /* of a batch; fewer, if they do not fit */

/* A record as it travels. */
struct jp_moved {
	struct jp_record record;
	uint8_t pepper[JP_PEPPER_NAME_LEN]; /* zeroes: it has no fast tag */
};

/*
 * Appends one to `buf`, which writes into JP_BATCH_MAX bytes: JP_ERR_TOO_LONG
 * if it does not fit, and then nothing is written and `buf` is as before.
 */
enum jp_err jp_batch_put(struct jp_buf *buf, const struct jp_moved *moved);

/* Reads the next one; errors as jp_record_decode() has them. */
enum jp_err jp_batch_get(struct jp_buf *buf, struct jp_moved *moved);

/* What is to be set of a user. */
struct jp_user_change {
	struct jp_user user;
	unsigned int fields; /* JP_USER_STATE and the like, or-ed */
};

/* The same for these. */
enum jp_err
jp_batch_put_user(struct jp_buf *buf, const struct jp_user_change *change);
enum jp_err
jp_batch_get_user(struct jp_buf *buf, struct jp_user_change *change);

/*
 * What is asked of a token: user, name, scopes, services, nets, parent,
 * owner_group, uses_max; and its end.
 */
struct jp_new_token {
	struct jp_record record;
	enum jp_lifetime lifetime;
	int64_t expires_at; /* for JP_LIFETIME_UNTIL */
};

/* The same for these. */
enum jp_err
jp_batch_put_new(struct jp_buf *buf, const struct jp_new_token *token);
enum jp_err jp_batch_get_new(struct jp_buf *buf, struct jp_new_token *token);

#endif
