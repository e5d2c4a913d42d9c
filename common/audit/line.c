#include "common/audit/line.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/sys/json_text.h"

#define SEQ "{\"seq\":"
#define PREV ",\"prev\":\""
#define MAC ",\"mac\":\""
#define END "\"}"
#define HEAD "jpah1 "

enum {
	TAIL_LEN = sizeof(MAC) - 1 + JP_AUDIT_MAC_HEX + sizeof(END) - 1,
	SEQ_DIGITS = 20, /* in the checkpoint */
};

_Static_assert(sizeof(HEAD) - 1 + SEQ_DIGITS + 1 + JP_AUDIT_MAC_HEX + 1 +
                       JP_AUDIT_MAC_HEX + 1 ==
                   JP_AUDIT_CHECKPOINT_LEN,
    "the length of the checkpoint");

void
jp_audit_key_make(const struct jp_pepper *pepper, struct jp_audit_key *key)
{
	jp_pepper_derive(
	    pepper, "jpat-audit-chain-v1", key->bytes, sizeof(key->bytes));
}

void
jp_audit_checkpoint_key_make(
    const struct jp_pepper *pepper, struct jp_audit_key *key)
{
	jp_pepper_derive(
	    pepper, "jpat-audit-head-v1", key->bytes, sizeof(key->bytes));
}

void
jp_audit_mac(const struct jp_audit_key *key,
    const uint8_t prev[JP_AUDIT_MAC_LEN], const char *body, size_t len,
    uint8_t mac[JP_AUDIT_MAC_LEN])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(
	    &state, key->bytes, sizeof(key->bytes), JP_AUDIT_MAC_LEN);
	(void)crypto_generichash_update(&state, prev, JP_AUDIT_MAC_LEN);
	(void)crypto_generichash_update(&state, (const uint8_t *)body, len);
	(void)crypto_generichash_final(&state, mac, JP_AUDIT_MAC_LEN);
	sodium_memzero(&state, sizeof(state));
}

/* ---- writing ---- */

/* Tokens are masked. Text that JSON cannot hold as it is, is escaped. */
static void
set_text(json_t *object, const char *key, const char *text)
{
	char masked[JP_ACTOR_MAX + 1], escaped[JP_ESCAPED_MAX(JP_ACTOR_MAX)];
	json_t *value;

	if (text == NULL || text[0] == '\0')
		return;
	(void)snprintf(masked, sizeof(masked), "%s", text);
	jp_mask(masked);
	value = json_string(masked);
	if (value == NULL)
		value = json_string(jp_escape(escaped, sizeof(escaped), text));
	(void)json_object_set_new(object, key, value);
}

static void
set_hex(json_t *object, const char *key, const uint8_t mac[JP_AUDIT_MAC_LEN])
{
	char hex[JP_AUDIT_MAC_HEX + 1];

	(void)sodium_bin2hex(hex, sizeof(hex), mac, JP_AUDIT_MAC_LEN);
	set_text(object, key, hex);
}

static json_t *
add_event(json_t *json, const struct jp_audit_event *event)
{
	char when[JP_WHEN_TEXT_MAX];

	jp_when_format(event->time, when);
	set_text(json, "time", when);
	set_text(json, "event", event->event);
	set_text(json, "reason", event->reason);
	set_text(json, "id", event->id);
	set_text(json, "user", event->user);
	set_text(json, "service", event->service);
	set_text(json, "address", event->address);
	set_text(json, "rhost", event->rhost);
	set_text(json, "front", event->front);
	if (event->has_peer)
		(void)json_object_set_new(
		    json, "peer", json_integer((json_int_t)event->peer));
	set_text(json, "actor", event->actor);
	set_text(json, "detail", event->detail);
	if (event->count > 0)
		(void)json_object_set_new(
		    json, "count", json_integer((json_int_t)event->count));
	return json;
}

/* Prints it into `text`, and frees it; 0: out of memory. */
static size_t
print_json(json_t *json, char *text, size_t size)
{
	size_t len =
	    json_dumpb(json, text, size, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(json);
	return !jp_json_lost() && len >= 2 && len <= size ? len : 0;
}

enum jp_err
jp_audit_event_text(const struct jp_audit_event *event, char *text)
{
	size_t len = print_json(
	    add_event(json_object(), event), text, JP_AUDIT_LINE_MAX - 1);

	text[len] = '\0';
	return len > 0 ? JP_ERR_OK : JP_ERR_NOMEM;
}

enum jp_err
jp_audit_line_make(const struct jp_audit_key *key,
    const struct jp_audit_event *event, bool first, struct jp_audit_link *at,
    char *text, size_t *len)
{
	json_t *json =
	    json_pack("{s:I}", "seq", (json_int_t)at->seq + (json_int_t)1);
	char hex[JP_AUDIT_MAC_HEX + 1];
	size_t body_len;

	if (first)
		set_hex(json, "prev", at->mac);
	body_len = print_json(
	    add_event(json, event), text, JP_AUDIT_LINE_MAX - TAIL_LEN - 1);
	if (body_len == 0)
		return JP_ERR_NOMEM;
	body_len--; /* the closing brace comes behind the mac */
	jp_audit_mac(key, at->mac, text, body_len, at->mac);
	at->seq++;
	(void)sodium_bin2hex(hex, sizeof(hex), at->mac, sizeof(at->mac));
	*len = body_len + (size_t)snprintf(text + body_len,
	                      JP_AUDIT_LINE_MAX - body_len, MAC "%s" END "\n",
	                      hex);
	return JP_ERR_OK;
}

/* ---- reading ---- */

/* Moves `text` on behind `word`; false if it does not begin with it. */
static bool
skip(const char **text, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *text) < len || memcmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

/* The same with 32 lower-case hexadecimal digits. */
static bool
read_mac(const char **text, const char *end, uint8_t mac[JP_AUDIT_MAC_LEN])
{
	size_t len;

	if (end - *text < JP_AUDIT_MAC_HEX)
		return false;
	for (size_t i = 0; i < JP_AUDIT_MAC_HEX; i++)
		/* NOLINTNEXTLINE: NUL is no digit. */
		if (memchr("0123456789abcdef", (*text)[i], 16) == NULL)
			return false;
	if (sodium_hex2bin(mac, JP_AUDIT_MAC_LEN, *text, JP_AUDIT_MAC_HEX, NULL,
	        &len, NULL) != 0)
		return false;
	*text += JP_AUDIT_MAC_HEX;
	return true;
}

/* A number from 1 on, without zeroes in front. */
static bool
read_seq(const char **text, const char *end, uint64_t *seq)
{
	*seq = 0;
	if (*text == end || **text == '0')
		return false;
	for (; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
		*seq = *seq * 10 + (uint64_t)(**text - '0');
		if (*seq > JP_AUDIT_SEQ_MAX)
			return false;
	}
	return *seq > 0;
}

enum jp_err
jp_audit_line_split(const char *text, size_t len, struct jp_audit_line *line)
{
	const char *at = text, *end, *tail;

	memset(line, 0, sizeof(*line));
	if (len < sizeof(SEQ) + TAIL_LEN || len >= JP_AUDIT_LINE_MAX ||
	    memchr(text, '\n', len) != NULL)
		return JP_ERR_INVALID;
	end = text + len;
	tail = end - TAIL_LEN;
	if (!skip(&at, tail, SEQ) || !read_seq(&at, tail, &line->seq))
		return JP_ERR_INVALID;
	if (skip(&at, tail, PREV)) {
		line->has_prev = true;
		if (!read_mac(&at, tail, line->prev) || !skip(&at, tail, "\""))
			return JP_ERR_INVALID;
	}
	if (at == tail || *at != ',')
		return JP_ERR_INVALID;
	line->body_len = (size_t)(tail - text);
	if (!skip(&tail, end, MAC) || !read_mac(&tail, end, line->mac) ||
	    !skip(&tail, end, END))
		return JP_ERR_INVALID;
	return JP_ERR_OK;
}

/* ---- the checkpoint ---- */

static void
seal(const struct jp_audit_key *key, const char *text, size_t len,
    char hex[JP_AUDIT_MAC_HEX + 1])
{
	static const uint8_t nothing[JP_AUDIT_MAC_LEN];
	uint8_t mac[JP_AUDIT_MAC_LEN];

	jp_audit_mac(key, nothing, text, len, mac);
	(void)sodium_bin2hex(hex, JP_AUDIT_MAC_HEX + 1, mac, sizeof(mac));
}

void
jp_audit_checkpoint_put(const struct jp_audit_key *key,
    const struct jp_audit_link *link, char text[JP_AUDIT_CHECKPOINT_LEN + 1])
{
	char mac[JP_AUDIT_MAC_HEX + 1], sealed[JP_AUDIT_MAC_HEX + 1];
	int len;

	(void)sodium_bin2hex(mac, sizeof(mac), link->mac, sizeof(link->mac));
	len = snprintf(text, JP_AUDIT_CHECKPOINT_LEN + 1,
	    HEAD "%020" PRIu64 " %s ", link->seq, mac);
	seal(key, text, (size_t)len, sealed);
	(void)snprintf(text + len, (size_t)(JP_AUDIT_CHECKPOINT_LEN + 1 - len),
	    "%s\n", sealed);
}

enum jp_err
jp_audit_checkpoint_get(const struct jp_audit_key *key, const char *text,
    size_t len, struct jp_audit_link *link)
{
	const char *at = text + sizeof(HEAD) - 1;
	char again[JP_AUDIT_CHECKPOINT_LEN + 1], digits[SEQ_DIGITS + 1];
	bool good = len == JP_AUDIT_CHECKPOINT_LEN;

	memset(link, 0, sizeof(*link));
	if (good) {
		memcpy(digits, at, SEQ_DIGITS);
		digits[SEQ_DIGITS] = '\0';
		link->seq = strtoull(digits, NULL, 10);
		at += SEQ_DIGITS + 1;
		good = read_mac(&at, text + len, link->mac);
	}
	if (good) { /* what is read prints the same, its seal included */
		jp_audit_checkpoint_put(key, link, again);
		good = sodium_memcmp(again, text, JP_AUDIT_CHECKPOINT_LEN) == 0;
	}
	if (good)
		return JP_ERR_OK;
	memset(link, 0, sizeof(*link));
	return JP_ERR_DAMAGED;
}
