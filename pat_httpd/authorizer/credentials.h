/*
 * The value of the header Authorization (RFC 9110 §11.6.2):
 *
 *     Basic base64(USER:TOKEN)      RFC 7617
 *     Bearer TOKEN                  RFC 6750 §2.1: the token says whose it is
 *     Bearer base64(USER:TOKEN)     as `pat-admin create --bearer` prints it
 *     Bearer USER:TOKEN
 *
 * Pure: no HTTP in here.
 */
#ifndef PATHTTPD_CREDENTIALS_H
#define PATHTTPD_CREDENTIALS_H

#include "common/wire/sasl_plain.h"

/*
 * Reads exactly `len` bytes, without blanks around them: the user into
 * `authcid`, which stays empty for a bare token, the token into `passwd`.
 * JP_ERR_INVALID for another scheme, malformed base64, a text that is no name
 * or no token, and a token in the place of the user: it would be logged as a
 * name; JP_ERR_TOO_LONG. `login` is then cleared.
 */
enum jp_err
credentials_parse(const char *value, size_t len, struct jp_login *login);

#endif
