/*
 * A secret text of bounded size: the credential that a client presents, or a
 * token that was just made. It lives in place: it is not copied by value, not
 * reallocated, not logged, and whoever owns it clears it before it goes.
 */
#ifndef JP_SECRET_H
#define JP_SECRET_H

#include <stddef.h>

#include "common/base/err.h"

/* Longest credential in bytes, as PAM_MAX_RESP_SIZE (512) allows. */
#define JP_SECRET_MAX 511

struct jp_secret {
	size_t len;                   /* bytes, without the closing NUL */
	char text[JP_SECRET_MAX + 1]; /* always closed by a NUL */
};

/*
 * Takes `len` bytes. JP_ERR_TOO_LONG above JP_SECRET_MAX, JP_ERR_INVALID if
 * one of them is NUL; the secret is then empty.
 */
enum jp_err
jp_secret_set(struct jp_secret *secret, const char *text, size_t len);

/* Overwrites all of it, also where the compiler sees no later use. */
void jp_secret_clear(struct jp_secret *secret);

#endif
