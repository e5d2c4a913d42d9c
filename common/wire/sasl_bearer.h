/*
 * What a client of SASL says when it logs in with a bearer token: the first
 * message of OAUTHBEARER (RFC 7628 §3.1),
 *
 *     n,a=USER, ^A auth=Bearer TOKEN ^A [KEY=VALUE ^A]... ^A
 *
 * where USER may be missing, and of XOAUTH2, which Google and Microsoft
 * describe,
 *
 *     user=USER ^A auth=Bearer TOKEN ^A ^A
 *
 * with ^A for the byte 1. Pure: no SASL in here.
 */
#ifndef JP_SASL_BEARER_H
#define JP_SASL_BEARER_H

#include "common/wire/sasl_plain.h"

/*
 * Bytes of the longest message. RFC 7628 sets none: this is room for the
 * longest user, each byte of it escaped, the longest token and 2,800 bytes of
 * the keys that are not used (host, port, mthd, path, post, qs).
 */
#define JP_BEARER_MAX 4096

/*
 * Both read exactly `len` bytes, and none of a message that is longer than
 * JP_BEARER_MAX: the user into `authcid`, the token into `passwd`; `authzid`
 * is left empty. JP_ERR_INVALID if the message, a name or the token is
 * malformed, JP_ERR_TOO_LONG if one of them is; `login` is then cleared.
 *
 * OAUTHBEARER: `authcid` is empty where the message has no user. Channel
 * binding is refused; keys other than "auth" are read and not used.
 */
enum jp_err
jp_oauthbearer_parse(const char *message, size_t len, struct jp_login *login);

enum jp_err
jp_xoauth2_parse(const char *message, size_t len, struct jp_login *login);

#endif
