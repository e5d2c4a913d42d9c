/*
 * What a client of SASL says when it logs in with a password: the message of
 * the mechanism PLAIN (RFC 4616 §2),
 *
 *     [authzid] NUL authcid NUL passwd
 *
 * and the two texts that LOGIN asks for one by one. Pure: no SASL in here.
 */
#ifndef JP_SASL_PLAIN_H
#define JP_SASL_PLAIN_H

#include "common/wire/verify.h"

/* The client, whom it wants to act for, and the proof; the caller clears it. */
struct jp_login {
	char authzid[JP_USER_MAX + 1]; /* "" if it was not given */
	char authcid[JP_USER_MAX + 1];
	struct jp_secret passwd; /* a password or a token */
};

/* Bytes of the longest message: its three fields and two NULs. */
#define JP_PLAIN_MAX (2 * (JP_USER_MAX + 1) + JP_SECRET_MAX)

/*
 * Reads exactly `len` bytes, and none of a message that is longer than
 * JP_PLAIN_MAX: some hosts pass lengths that are wrong. JP_ERR_TRUNCATED if a
 * NUL is missing, JP_ERR_TRAILING if there are more than two; JP_ERR_TOO_LONG
 * or JP_ERR_INVALID if a field is, also for an empty authcid or passwd.
 * Any error leaves `login` cleared.
 */
enum jp_err
jp_plain_parse(const char *message, size_t len, struct jp_login *login);

/*
 * The text of the password: not empty, UTF-8, without NUL. The same errors;
 * `passwd` is then empty.
 */
enum jp_err
jp_passwd_set(struct jp_secret *passwd, const char *text, size_t len);

/* Overwrites all of it. */
void jp_login_clear(struct jp_login *login);

#endif
