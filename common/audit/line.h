/*
 * One line of the audit trail: JSON, chained to the line before it.
 *
 *     {"seq":8,"time":"2027-01-31T12:00:00Z","event":"deny",…,"mac":"<32 hex>"}
 *
 * mac = BLAKE2b-128(key, mac of the line before || all bytes in front of
 * `,"mac"`); the key comes from the pepper, and the line before the first one
 * counts as 16 zero bytes. The first line of each file holds the mac of the
 * line before it, too, right behind "seq" as "prev": so a file can be checked
 * when older ones are gone.
 *
 * Pure code: no file, no clock.
 */
#ifndef JP_AUDIT_LINE_H
#define JP_AUDIT_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/record/pepper.h"
#include "common/record/record.h"

#define JP_AUDIT_MAC_LEN 16
#define JP_AUDIT_MAC_HEX (2 * JP_AUDIT_MAC_LEN)
#define JP_AUDIT_LINE_MAX 8192 /* bytes of a line with its newline */
#define JP_AUDIT_SEQ_MAX (UINT64_C(1) << 53)
#define JP_AUDIT_CHECKPOINT_LEN 93 /* bytes of the checkpoint */

struct jp_audit_key {
	uint8_t bytes[JP_PEPPER_LEN];
};

/* Where a chain stands: its last line. Zeroes: nothing was written yet. */
struct jp_audit_link {
	uint64_t seq;
	uint8_t mac[JP_AUDIT_MAC_LEN];
};

/* What a line says. A text that is "" or NULL is left out. */
struct jp_audit_event {
	int64_t time;
	const char *event;  /* a constant: "deny" */
	const char *reason; /* a constant: "expired" */
	const char *front;  /* a constant: "pam" */
	char id[JP_TOKEN_ID_LEN + 1];
	char user[JP_USER_MAX + 1];
	char service[JP_SERVICE_MAX + 1];
	char address[JP_RHOST_MAX + 1];
	char rhost[JP_RHOST_MAX + 1]; /* what came and is no address */
	char actor[JP_ACTOR_MAX + 1];
	char detail[JP_NOTE_MAX + 1];
	bool has_peer;
	uid_t peer;     /* uid of the process that asked */
	uint64_t count; /* of what this line stands for; 0: of one */
};

/* The parts of a line as it was read. */
struct jp_audit_line {
	uint64_t seq;
	bool has_prev;
	uint8_t prev[JP_AUDIT_MAC_LEN];
	uint8_t mac[JP_AUDIT_MAC_LEN];
	size_t body_len; /* bytes that the mac is of */
};

/* The keys of the chain and of the checkpoint. */
void
jp_audit_key_make(const struct jp_pepper *pepper, struct jp_audit_key *key);
void jp_audit_checkpoint_key_make(
    const struct jp_pepper *pepper, struct jp_audit_key *key);

/* The mac of a line with this body, behind `prev`. */
void jp_audit_mac(const struct jp_audit_key *key,
    const uint8_t prev[JP_AUDIT_MAC_LEN], const char *body, size_t len,
    uint8_t mac[JP_AUDIT_MAC_LEN]);

/*
 * Writes the line behind `at`, with its newline, into JP_AUDIT_LINE_MAX bytes,
 * and moves `at` to it. `first`: of its file. Text that is not UTF-8 is
 * escaped, as jp_escape() does. JP_ERR_NOMEM leaves `at` alone.
 */
enum jp_err jp_audit_line_make(const struct jp_audit_key *key,
    const struct jp_audit_event *event, bool first, struct jp_audit_link *at,
    char *text, size_t *len);

/* The same text without a place in a chain, into JP_AUDIT_LINE_MAX bytes. */
enum jp_err jp_audit_event_text(const struct jp_audit_event *event, char *text);

/*
 * Reads the parts that the chain is made of; `len` is without the newline.
 * JP_ERR_INVALID for what jp_audit_line_make() never writes. Whether the rest
 * is JSON is not checked: its mac proves it.
 */
enum jp_err
jp_audit_line_split(const char *text, size_t len, struct jp_audit_line *line);

/* The mark of the head, sealed under its own key. */
void jp_audit_checkpoint_put(const struct jp_audit_key *key,
    const struct jp_audit_link *link, char text[JP_AUDIT_CHECKPOINT_LEN + 1]);

/* JP_ERR_DAMAGED if it was not made under this key; `link` is then zeroed. */
enum jp_err jp_audit_checkpoint_get(const struct jp_audit_key *key,
    const char *text, size_t len, struct jp_audit_link *link);

#endif
