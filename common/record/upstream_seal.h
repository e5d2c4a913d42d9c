/*
 * The secret in an upstream credential: what may be one, the header that it
 * becomes, and its seal:
 *
 *     sealed = nonce (24 random bytes) || XChaCha20-Poly1305(key, nonce,
 *              header, associated data)
 *
 * with all that is stored of it as the associated data: user, service, kind,
 * who set it and when. So none can be moved to another user or service.
 */
#ifndef JP_UPSTREAM_SEAL_H
#define JP_UPSTREAM_SEAL_H

#include "common/base/secret.h"
#include "common/record/key_file.h"
#include "common/record/upstream.h"

#define JP_UPSTREAM_PAT_MAX 480   /* bytes of a personal access token */
#define JP_UPSTREAM_BASIC_MAX 378 /* bytes of user:token */

/* In a file of its own, outside the store: [patd] upstream_key_file. */
struct jp_upstream_key {
	uint8_t key[JP_KEY_LEN];
	uint8_t name[JP_UPSTREAM_KEY_NAME_LEN]; /* reveals nothing about it */
};

/* As jp_key_file_create() and jp_key_file_load(). */
enum jp_err jp_upstream_key_create(const char *path, struct jp_why *why);
enum jp_err jp_upstream_key_load(
    const char *path, struct jp_upstream_key *key, struct jp_why *why);

/*
 * The value of the header Authorization that `typed` stands for: that of a
 * personal access token is `Bearer TOKEN` (RFC 6750 §2.1), that of `user:token`
 * is `Basic base64` (RFC 7617). A personal access token never has a colon.
 * JP_ERR_INVALID, JP_ERR_TOO_LONG, or JP_ERR_REFUSED for a token of jira-pat
 * itself, also inside base64: that is what stays in front of the server. One
 * with a wrong checksum is known by `prefix`.
 */
enum jp_err
jp_upstream_header(const struct jp_secret *typed, const char *prefix,
    enum jp_upstream_kind *kind, struct jp_secret *header, struct jp_why *why);

/* Seals `header` into `upstream`, all else of which is set; never fails. */
void jp_upstream_seal(const struct jp_upstream_key *key, const char *user,
    const struct jp_secret *header, struct jp_upstream *upstream);

/*
 * Opens it: JP_ERR_CONFIG if it was sealed with another key, JP_ERR_DAMAGED if
 * it is not what was sealed; `header` is then empty.
 */
enum jp_err
jp_upstream_open(const struct jp_upstream_key *key, const char *user,
    const struct jp_upstream *upstream, struct jp_secret *header);

#endif
