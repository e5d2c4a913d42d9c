/*
 * The audit trail. A line, and the checkpoint: no line that was not made with
 * the key is taken. An event: its line is JSON, shows no token, is taken in its
 * place, and not if a byte of it is another.
 */
#include <jansson.h>

#include "common/audit/verify.h"
#include "tests/fuzz/fuzz.h"

static const struct jp_pepper pepper = { { 1 } };

static void
check_foreign(const uint8_t *data, size_t size)
{
	struct jp_audit_check check = { .has_checkpoint = false };
	struct jp_audit_key checkpoint_key;
	struct jp_audit_link link;
	struct jp_audit_line line;
	struct jp_why why = { .text = "" };
	char *text = fuzz_text(data, size);

	jp_audit_key_make(&pepper, &check.key);
	jp_audit_checkpoint_key_make(&pepper, &checkpoint_key);
	if (jp_audit_line_split(text, size, &line) == JP_ERR_OK) {
		FUZZ_ASSERT(line.seq >= 1 && line.seq <= JP_AUDIT_SEQ_MAX);
		FUZZ_ASSERT(line.body_len < size && size < JP_AUDIT_LINE_MAX);
		FUZZ_ASSERT(memchr(text, '\n', size) == NULL);
	}
	FUZZ_ASSERT(
	    jp_audit_check_line(&check, text, size, &why) == JP_ERR_DAMAGED);
	fuzz_says(why.text);
	FUZZ_ASSERT(jp_audit_checkpoint_get(
	                &checkpoint_key, text, size, &link) == JP_ERR_DAMAGED);
	FUZZ_ASSERT(link.seq == 0);
	free(text);
}

/* Takes bytes up to a NUL, or as many as there is room for. */
static void
take(char *to, size_t room, const uint8_t **data, size_t *size)
{
	size_t len = strnlen((const char *)*data, *size);
	size_t used = len < *size ? len + 1 : len;

	if (len >= room)
		len = used = room - 1;
	memcpy(to, *data, len);
	to[len] = '\0';
	*data += used;
	*size -= used;
}

static void
fill(struct jp_audit_event *event, const uint8_t *data, size_t size)
{
	*event = (struct jp_audit_event){ .event = "deny",
		.reason = (data[0] & 1) != 0 ? "expired" : NULL,
		.front = (data[0] & 2) != 0 ? "pam" : "",
		.has_peer = (data[0] & 4) != 0,
		.peer = data[0],
		.count = data[0] >> 4,
		.time = INT64_C(1800000000) + data[0] };
	data++;
	size--;
	take(event->user, sizeof(event->user), &data, &size);
	take(event->service, sizeof(event->service), &data, &size);
	take(event->address, sizeof(event->address), &data, &size);
	take(event->rhost, sizeof(event->rhost), &data, &size);
	take(event->actor, sizeof(event->actor), &data, &size);
	take(event->detail, sizeof(event->detail), &data, &size);
}

static void
check_mark(const struct jp_audit_link *at)
{
	char text[JP_AUDIT_CHECKPOINT_LEN + 1];
	struct jp_audit_link again;
	struct jp_audit_key key;

	jp_audit_checkpoint_key_make(&pepper, &key);
	jp_audit_checkpoint_put(&key, at, text);
	FUZZ_ASSERT(jp_audit_checkpoint_get(&key, text, strlen(text), &again) ==
	            JP_ERR_OK);
	FUZZ_ASSERT(memcmp(&again, at, sizeof(again)) == 0);
	text[at->mac[0] % JP_AUDIT_CHECKPOINT_LEN] ^= 4;
	FUZZ_ASSERT(jp_audit_checkpoint_get(&key, text, strlen(text), &again) ==
	            JP_ERR_DAMAGED);
}

static void
check_line(const char *text, size_t len, struct jp_audit_check check,
    enum jp_err wanted)
{
	struct jp_why why = { .text = "" };

	FUZZ_ASSERT(jp_audit_check_line(&check, text, len - 1, &why) == wanted);
	FUZZ_ASSERT((why.text[0] != '\0') == (wanted != JP_ERR_OK));
}

/* At another place the same line is wrong, and so is a trail that ends. */
static void
check_place(const char *text, size_t len, struct jp_audit_check check,
    const struct jp_audit_link *behind)
{
	struct jp_why why = { .text = "" };

	if (check.lines == 0)
		return;
	check.has_checkpoint = true;
	check.checkpoint = *behind;
	FUZZ_ASSERT(jp_audit_check_end(&check, &why) == JP_ERR_DAMAGED);
	check_line(text, len, check, JP_ERR_OK);
	check.checkpoint.mac[3] ^= 1;
	check_line(text, len, check, JP_ERR_DAMAGED);
	check.at.seq += 2;
	FUZZ_ASSERT(jp_audit_check_end(&check, &why) == JP_ERR_OK);
	check_line(text, len, check, JP_ERR_DAMAGED);
	check.at.seq -= 3;
	check_line(text, len, check, JP_ERR_DAMAGED);
	check.at.seq -= 1;
	check_line(text, len, check, JP_ERR_DAMAGED);
}

static void
check_json(const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	FUZZ_ASSERT(json != NULL);
	fuzz_hides(text);
	json_decref(json);
}

static void
check_event(const uint8_t *data, size_t size)
{
	struct jp_audit_check check = { .at = { .seq = 0 } };
	struct jp_audit_event event;
	struct jp_audit_link behind;
	char text[JP_AUDIT_LINE_MAX];
	size_t len;

	fill(&event, data, size);
	FUZZ_ASSERT(jp_audit_event_text(&event, text) == JP_ERR_OK);
	check_json(text, strlen(text));
	jp_audit_key_make(&pepper, &check.key);
	behind.seq = check.lines = (data[0] & 8) != 0 ? 5 : 0;
	memset(behind.mac, data[0], sizeof(behind.mac));
	check.at = behind;
	FUZZ_ASSERT(jp_audit_line_make(&check.key, &event, check.lines == 0,
	                &behind, text, &len) == JP_ERR_OK);
	FUZZ_ASSERT(behind.seq == check.lines + 1 && text[len - 1] == '\n');
	text[len] = '\0';
	check_json(text, len);
	check_line(text, len, check, JP_ERR_OK);
	check_place(text, len, check, &behind);
	check_mark(&behind);
	text[data[size / 2] % (len - 1)] ^= 1;
	check_line(text, len, check, JP_ERR_DAMAGED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_foreign(data, size);
	if (size > 0)
		check_event(data, size);
	return 0;
}
