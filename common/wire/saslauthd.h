/*
 * The saslauthd protocol, as libsasl2 (lib/checkpw.c) and testsaslauthd(8)
 * speak it on the socket called "mux": one question and one answer on a
 * SOCK_STREAM connection. All lengths are two bytes, big-endian.
 *
 *     question: user, password, service, realm, each with its length in front;
 *               newer libraries add the client's "ADDRESS;PORT"
 *     answer:   its length, "OK" or "NO"
 *
 * Nothing marks the end of a question. Whoever sends the fifth text sends it
 * in the same write as the others: it is there when they are, or not at all.
 */
#ifndef JP_SASLAUTHD_H
#define JP_SASLAUTHD_H

#include "common/wire/realm.h"
#include "common/wire/verify.h"

#define JP_MUX_FIELD_MAX 1024 /* bytes of each text */
#define JP_MUX_FRAME_MAX (5 * (2 + JP_MUX_FIELD_MAX))
#define JP_MUX_REPLY_SIZE 4

struct jp_mux_frame {
	char user[JP_MUX_FIELD_MAX + 1];
	char password[JP_MUX_FIELD_MAX + 1]; /* the owner clears the frame */
	char service[JP_MUX_FIELD_MAX + 1];
	char realm[JP_MUX_FIELD_MAX + 1];
	bool has_address; /* the fifth text came, perhaps an empty one */
	char address[JP_MUX_FIELD_MAX + 1];
};

/*
 * Reads a question of the first `len` bytes of a connection.
 * JP_ERR_TRUNCATED: valid so far, but incomplete. JP_ERR_TOO_LONG,
 * JP_ERR_INVALID (a NUL) or JP_ERR_TRAILING: it cannot become a request.
 * Any error leaves `frame` cleared.
 */
enum jp_err
jp_mux_decode(struct jp_mux_frame *frame, const uint8_t *bytes, size_t len);

/* Encodes into JP_MUX_FRAME_MAX bytes at `bytes`; `len` gets the length. */
void
jp_mux_encode(const struct jp_mux_frame *frame, uint8_t *bytes, size_t *len);

/*
 * Makes a request of a question: the name by `realm`, the address only if it
 * is a literal one. JP_ERR_INVALID for an empty name or password, or a name
 * against `realm`; JP_ERR_TOO_LONG for what cannot be a token. Any error leaves
 * `request` cleared.
 */
enum jp_err jp_mux_request(const struct jp_mux_frame *frame,
    enum jp_realm realm, struct jp_request *request);

/* "OK" for JP_ACCEPT alone. */
void jp_mux_reply(enum jp_verdict verdict, uint8_t bytes[JP_MUX_REPLY_SIZE]);

#endif
