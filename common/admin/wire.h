/*
 * The admin protocol on admin.sock: SOCK_SEQPACKET, at most JP_ADMIN_MSG_MAX
 * bytes a message. The client sends a request; patd sends its items, then one
 * end with the result. Then the next request may come.
 */
#ifndef JP_ADMIN_WIRE_H
#define JP_ADMIN_WIRE_H

#include "common/admin/admin.h"

#define JP_ADMIN_MSG_MAX 16384

enum jp_err jp_admin_request_encode(
    const struct jp_admin_request *request, uint8_t *bytes, size_t *len);
/* A batch in the request points into `bytes`. */
enum jp_err jp_admin_request_decode(
    struct jp_admin_request *request, const uint8_t *bytes, size_t len);

enum jp_err jp_admin_item_encode(
    const struct jp_admin_item *item, uint8_t *bytes, size_t *len);

/* Encodes the end of an operation: its result and the line about it. */
enum jp_err jp_admin_end_encode(
    enum jp_err result, const struct jp_why *why, uint8_t *bytes, size_t *len);

/*
 * Reads what patd sent: an item (`end` false), or the end (`end` true, with
 * `result` and `why`). A piece in the item points into `bytes`.
 */
enum jp_err jp_admin_answer_decode(const uint8_t *bytes, size_t len, bool *end,
    struct jp_admin_item *item, enum jp_err *result, struct jp_why *why);

#endif
