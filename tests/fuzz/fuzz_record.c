/*
 * A stored record: what is accepted encodes the same, and one of an older
 * version reads the same again; a peek sees the same; its state is what its
 * header says at any time. And any record at all, made of the same bytes: it
 * can be stored, and reads the same, unless its id is none.
 */
#include "common/record/record.h"
#include "tests/fuzz/fuzz.h"

/* Of an older version only the newest is ever written. */
static void
check_again(const struct jp_record *record, const uint8_t *data, size_t size)
{
	struct jp_record same;
	uint8_t again[JP_RECORD_MAX];
	size_t len;

	FUZZ_ASSERT(jp_record_encode(record, again, &len) == JP_ERR_OK);
	if (data[0] == JP_RECORD_VERSION)
		FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	FUZZ_ASSERT(jp_record_decode(&same, again, len) == JP_ERR_OK);
	FUZZ_ASSERT(memcmp(&same, record, sizeof(same)) == 0);
}

static void
check_owner(const struct jp_record *record, const uint8_t *data, size_t size)
{
	const char *group;
	size_t len;

	FUZZ_ASSERT(
	    jp_record_peek_owner(data, size, &group, &len) == JP_ERR_OK);
	FUZZ_ASSERT(len == strlen(record->owner_group));
	FUZZ_ASSERT(memcmp(group, record->owner_group, len) == 0);
}

static void
check_words(const struct jp_record *record, enum jp_state state)
{
	char text[JP_STATE_TEXT_MAX];

	jp_state_format(state, record, text);
	FUZZ_ASSERT(jp_state_name(state)[0] != '\0');
	FUZZ_ASSERT(strncmp(text, jp_state_name(state), 4) == 0 ||
	            state == JP_STATE_SUPERSEDED || state == JP_STATE_REVOKED ||
	            state == JP_STATE_EXPIRED);
	FUZZ_ASSERT((jp_state_status(state) == JP_STATUS_LIVE) ==
	            (jp_state_cause(state)[0] == '\0'));
	FUZZ_ASSERT(jp_status_name(jp_state_status(state)) != NULL);
}

/* What has ended has ended for ever, and what is revoked is nothing else. */
static void
check_state(const struct jp_record *record, int64_t now)
{
	enum jp_state state = jp_record_state(record, now);
	struct jp_circumstances around = { .now = now,
		.unused_limit = now & 0xffffff,
		.prefix_accepted = (now & 1) != 0,
		.user_disabled = (now & 2) != 0,
		.parent = (enum jp_state)((now >> 2) & 7) };
	enum jp_state within = jp_record_state_in(record, &around);

	if (record->revoked_at != JP_NEVER)
		FUZZ_ASSERT(state == JP_STATE_REVOKED && within == state);
	if (jp_record_ended(record, now)) {
		FUZZ_ASSERT(
		    jp_record_ended(record, JP_WHEN_MAX) || now > JP_WHEN_MAX);
		FUZZ_ASSERT(jp_state_status(within) == JP_STATUS_DEAD);
	}
	check_words(record, state);
	check_words(record, within);
	(void)jp_record_state_of_parent(record, record, now);
	FUZZ_ASSERT(jp_record_made_at(record, now) <= now ||
	            record->created_at <= now || now < 0);
	(void)jp_record_end(record);
	(void)jp_record_lifetime(record, now);
	(void)jp_record_last_sign(record);
	for (size_t i = 0; i < record->use_len; i++)
		(void)jp_record_place_is_new(record, i, now);
}

static void
check_states(const struct jp_record *record)
{
	const int64_t times[] = { 0, 1, 1800000003, JP_WHEN_MAX,
		record->expires_at, record->grace_until, record->claim_until,
		record->expires_at / 2 };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		check_state(record, times[i]);
}

/* ---- a record that is made of bytes; behind their end are zeroes ---- */

static const uint8_t *at, *end;

static uint8_t
byte(void)
{
	return at < end ? *at++ : 0;
}

static int64_t
number(void)
{
	uint64_t value = 0;

	for (size_t i = 0; i < sizeof(value); i++)
		value = value << 8 | byte();
	return (int64_t)value;
}

static void
bytes(void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = byte();
}

/* 255: the longest one. */
static void
text(char *to, size_t size)
{
	uint8_t how = byte();
	size_t len = how == UINT8_MAX ? size - 1 : how % size;

	for (size_t i = 0; i < len; i++) {
		uint8_t one = byte();

		to[i] = (char)(one != 0 ? one : 'x');
	}
}

#define TEXT(field) text((field), sizeof(field))

static void
make_limits(struct jp_record *record)
{
	record->scope_len = byte() % (JP_SCOPES_MAX + 1);
	for (size_t i = 0; i < record->scope_len; i++)
		TEXT(record->scopes[i]);
	record->service_len = byte() % (JP_SERVICES_MAX + 1);
	for (size_t i = 0; i < record->service_len; i++)
		TEXT(record->services[i]);
	record->net_len = byte() % (JP_NETS_MAX + 1);
	for (size_t i = 0; i < record->net_len; i++) {
		bytes(record->nets[i].address, sizeof(record->nets[i].address));
		record->nets[i].prefix = byte() % 129;
	}
}

static void
make_uses(struct jp_record *record)
{
	record->last_used_at = number();
	record->use_count = (uint32_t)number();
	record->use_len = byte() % (JP_USES_MAX + 1);
	for (size_t i = 0; i < record->use_len; i++) {
		record->uses[i].at = number();
		record->uses[i].since = number();
		TEXT(record->uses[i].rhost);
		TEXT(record->uses[i].service);
	}
}

static void
make_life(struct jp_record *record)
{
	record->created_at = number();
	record->expires_at = number();
	record->revoked_at = number();
	record->superseded_at = number();
	record->grace_until = number();
	record->denied_at = number();
	record->disabled_at = number();
	record->claim_until = number();
	record->uses_max = (uint32_t)number();
	record->uses_left = (uint32_t)number();
	record->keep_until_grace = byte() & 1;
	record->has_fast_tag = byte() & 1;
	bytes(record->fast_tag, sizeof(record->fast_tag));
	bytes(record->claim_tag, sizeof(record->claim_tag));
}

static void
make_names(struct jp_record *record)
{
	TEXT(record->user);
	TEXT(record->name);
	TEXT(record->created_by);
	TEXT(record->revoked_by);
	TEXT(record->revoked_why);
	TEXT(record->family);
	TEXT(record->ends);
	TEXT(record->denied_why);
	TEXT(record->phc);
	TEXT(record->prefix);
	TEXT(record->parent);
	TEXT(record->owner_group);
	TEXT(record->disabled_by);
}

static void
check_made(const uint8_t *data, size_t size)
{
	static const struct jp_record none;
	struct jp_record record = { .id = "D4oBwk0S" }, same;
	uint8_t encoded[JP_RECORD_MAX];
	bool valid = true;
	size_t len;

	at = data;
	end = data + size;
	if ((byte() & 7) == 7) {
		bytes(record.id, JP_TOKEN_ID_LEN);
		valid = jp_token_id_valid(record.id);
	}
	make_life(&record);
	make_uses(&record);
	make_limits(&record);
	make_names(&record);
	FUZZ_ASSERT(jp_record_encode(&record, encoded, &len) == JP_ERR_OK);
	FUZZ_ASSERT(jp_record_decode(&same, encoded, len) ==
	            (valid ? JP_ERR_OK : JP_ERR_DAMAGED));
	FUZZ_ASSERT(memcmp(&same, valid ? &record : &none, sizeof(same)) == 0);
	check_states(&record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_record record;
	const char *user;
	size_t user_len;
	int64_t expires_at;
	enum jp_err peeked =
	    jp_record_peek(data, size, &user, &user_len, &expires_at);

	check_made(data, size);
	if (jp_record_decode(&record, data, size) != JP_ERR_OK)
		return 0;
	check_again(&record, data, size);
	FUZZ_ASSERT(peeked == JP_ERR_OK && expires_at == record.expires_at);
	FUZZ_ASSERT(user_len == strlen(record.user));
	FUZZ_ASSERT(memcmp(user, record.user, user_len) == 0);
	check_owner(&record, data, size);
	check_states(&record);
	return 0;
}
