/*
 * Rotation: a token gets a successor of the same family and rights, and ends
 * when its grace is over or when the successor is first used, whichever is
 * first.
 */
#ifndef JP_ROTATION_H
#define JP_ROTATION_H

#include "common/decide/core.h"

/*
 * The first use of the token `id`: ends the one that it succeeds, in the
 * store, and records that this is done. To be called before that use is
 * answered; another call changes nothing. JP_ERR_OK, or what the store says.
 *
 * In a cluster these are two steps: that it is done is recorded once the old
 * one has ended on every host. Until then no host accepts `id`, whoever asks
 * again, and where: each call waits, until `by_ms` of jp_now_ms() at most
 * (JP_ERR_TIMEOUT), and the next one goes on from there.
 */
enum jp_err
jp_rotation_complete(struct jp_core *core, const char *id, int64_t by_ms);

/*
 * A rotated token, `id`, was used after its end: revokes all of its family, in
 * one transaction, and logs it, also in the audit trail. JP_ERR_OK, or what
 * the store says; it waits for the log of a cluster until `by_ms`.
 */
enum jp_err
jp_rotation_revoke(struct jp_core *core, const char *id, int64_t by_ms);

#endif
