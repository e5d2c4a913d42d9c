/*
 * Values that arguments of several commands have.
 */
#ifndef PAT_ADMIN_ARGUMENTS_H
#define PAT_ADMIN_ARGUMENTS_H

#include "common/admin/admin.h"

/*
 * Reads an id, or the id of a token's text, also where that stands as
 * USER:TOKEN or in base64. The argument is overwritten, for it may be a secret.
 * `what` names it where it is wrong: it is never shown.
 */
enum jp_err arguments_token_id(char *text, const char *what,
    char id[JP_TOKEN_ID_LEN + 1], struct jp_why *why);

/* Reads the value of --expires into lifetime and expires_at of `request`. */
enum jp_err arguments_expires(
    const char *value, struct jp_admin_request *request, struct jp_why *why);

#endif
