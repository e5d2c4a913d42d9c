/*
 * The admin protocol on admin.sock: SOCK_SEQPACKET, at most JP_ADMIN_MSG_MAX
 * bytes a message. The client sends a request; patd sends its items, then one
 * end with the result. Then the next request may come.
 *
 * Each message begins with "JPA" and the version of the protocol, and nothing
 * behind another version than ours is read. The end alone is the same in all
 * versions, but that it has a refusal from version 4 on, so that an older
 * pat-admin, too, shows why it was refused.
 */
#ifndef JP_ADMIN_WIRE_H
#define JP_ADMIN_WIRE_H

#include "common/admin/admin.h"

#define JP_ADMIN_MSG_MAX 65536
/* Another one for each change of a layout; new numbers need none. */
#define JP_ADMIN_VERSION 4

enum jp_err jp_admin_request_encode(
    const struct jp_admin_request *request, uint8_t *bytes, size_t *len);
/*
 * For patd. A batch in the request points into `bytes`. JP_ERR_PROTOCOL for
 * another version, JP_ERR_NEWER for a number that is not known here; `why` says
 * then which side to restart, and is else empty.
 */
enum jp_err jp_admin_request_decode(struct jp_admin_request *request,
    const uint8_t *bytes, size_t len, struct jp_why *why);

enum jp_err jp_admin_item_encode(
    const struct jp_admin_item *item, uint8_t *bytes, size_t *len);

/* Encodes the end of an operation: its result and the line about it. */
enum jp_err jp_admin_end_encode(
    enum jp_err result, const struct jp_why *why, uint8_t *bytes, size_t *len);

/* The same, in the version of the `request` that is refused with it. */
enum jp_err jp_admin_refusal_encode(const uint8_t request[JP_MAGIC_LEN],
    enum jp_err result, const struct jp_why *why, uint8_t *bytes, size_t *len);

/*
 * For pat-admin. Reads what patd sent: an item (`end` false), or the end (`end`
 * true, with `result` and `why`). A piece in the item points into `bytes`.
 * JP_ERR_PROTOCOL and JP_ERR_NEWER as jp_admin_request_decode() has them.
 */
enum jp_err jp_admin_answer_decode(const uint8_t *bytes, size_t len, bool *end,
    struct jp_admin_item *item, enum jp_err *result, struct jp_why *why);

#endif
