/*
 * The bytes of a record and the checks of its texts: common/record/record.c.
 * Bytes that are parsed have memory of just their length, for the sanitizer to
 * watch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/record/record.h"
#include "tests/unit/record_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	ID_AT = 1,
	USER_AT = 9, /* its length */
	ROUNDS = 10000,
};

static uint64_t seed = 88172645463325252U;

/* xorshift64: the same numbers in every run. */
static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static void
draw_text(char *text, size_t max)
{
	size_t len = draw((uint32_t)max + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(1 + draw(255));
	text[len] = '\0';
}

static void
draw_lists(struct jp_record *record)
{
	record->use_len = draw(JP_USES_MAX + 1);
	for (size_t i = 0; i < record->use_len; i++) {
		record->uses[i].at = draw(UINT32_MAX);
		record->uses[i].since = draw(UINT32_MAX);
		draw_text(record->uses[i].rhost, JP_RHOST_MAX);
		draw_text(record->uses[i].service, JP_SERVICE_MAX);
	}
	record->scope_len = draw(JP_SCOPES_MAX + 1);
	for (size_t i = 0; i < record->scope_len; i++)
		draw_text(record->scopes[i], JP_SCOPE_MAX);
	record->service_len = draw(JP_SERVICES_MAX + 1);
	for (size_t i = 0; i < record->service_len; i++)
		draw_text(record->services[i], JP_SERVICE_MAX);
	record->net_len = draw(JP_NETS_MAX + 1);
	for (size_t i = 0; i < record->net_len; i++) {
		record->nets[i].prefix = (uint8_t)draw(129);
		for (size_t n = 0; n < 16; n++)
			record->nets[i].address[n] = (uint8_t)draw(256);
	}
}

static void
set_random(struct jp_record *record)
{
	record_set_empty(record);
	for (size_t i = 0; i < JP_TOKEN_ID_LEN; i++)
		record->id[i] = JP_TOKEN_ALPHABET[draw(62)];
	draw_text(record->user, JP_USER_MAX);
	draw_text(record->name, JP_NAME_MAX);
	draw_text(record->created_by, JP_ACTOR_MAX);
	draw_text(record->revoked_by, JP_ACTOR_MAX);
	draw_text(record->revoked_why, JP_NOTE_MAX);
	draw_text(record->family, JP_TOKEN_ID_LEN);
	draw_text(record->phc, JP_PHC_MAX);
	record->created_at = draw(UINT32_MAX);
	record->expires_at = -(int64_t)draw(UINT32_MAX);
	record->revoked_at = draw(2);
	record->last_used_at = draw(UINT32_MAX);
	record->use_count = draw(UINT32_MAX);
	record->superseded_at = draw(UINT32_MAX);
	record->grace_until = draw(UINT32_MAX);
	record->keep_until_grace = draw(2) == 1;
	draw_text(record->ends, JP_TOKEN_ID_LEN);
	record->denied_at = draw(UINT32_MAX);
	draw_text(record->denied_why, JP_REASON_MAX);
	record->has_fast_tag = draw(2) == 1;
	for (size_t i = 0; i < JP_FAST_TAG_LEN; i++)
		record->fast_tag[i] = (uint8_t)draw(256);
	draw_text(record->prefix, JP_TOKEN_PREFIX_MAX);
	draw_text(record->parent, JP_TOKEN_ID_LEN);
	draw_text(record->owner_group, JP_GROUP_MAX);
	record->disabled_at = draw(UINT32_MAX);
	draw_text(record->disabled_by, JP_ACTOR_MAX);
	record->uses_max = draw(UINT32_MAX);
	record->uses_left = draw(UINT32_MAX);
	record->claim_until = draw(UINT32_MAX);
	for (size_t i = 0; i < JP_FAST_TAG_LEN; i++)
		record->claim_tag[i] = (uint8_t)draw(256);
	draw_lists(record);
}

static size_t
encode(const struct jp_record *record, uint8_t bytes[JP_RECORD_MAX])
{
	size_t len;

	assert_int_equal(jp_record_encode(record, bytes, &len), JP_ERR_OK);
	return len;
}

/* Decodes a copy without a byte behind it; an error must leave zeroes. */
static enum jp_err
decode(struct jp_record *record, const uint8_t *bytes, size_t len)
{
	static const struct jp_record zero;
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum jp_err err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	memset(record, 0x5a, sizeof(*record));
	err = jp_record_decode(record, exact, len);
	free(exact);
	if (err != JP_ERR_OK)
		assert_memory_equal(record, &zero, sizeof(zero));
	return err;
}

static void
assert_round_trip(const struct jp_record *record)
{
	struct jp_record again;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len = encode(record, bytes);

	assert_int_equal(decode(&again, bytes, len), JP_ERR_OK);
	assert_memory_equal(&again, record, sizeof(again));
}

static void
an_empty_record_comes_back(void **unused)
{
	struct jp_record record;

	(void)unused;
	record_set_empty(&record);
	assert_round_trip(&record);
}

static void
the_largest_record_fits_and_comes_back(void **unused)
{
	struct jp_record record;

	(void)unused;
	record_set_full(&record);
	assert_round_trip(&record);
}

static void
random_records_come_back(void **unused)
{
	struct jp_record record;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		set_random(&record);
		assert_round_trip(&record);
	}
}

static void
a_record_cut_at_any_byte_is_damaged(void **unused)
{
	struct jp_record record, again;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_full(&record);
	len = encode(&record, bytes);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode(&again, bytes, cut), JP_ERR_DAMAGED);
}

static void
random_records_cut_at_any_byte_are_damaged(void **unused)
{
	struct jp_record record, again;
	uint8_t bytes[JP_RECORD_MAX];

	(void)unused;
	for (int i = 0; i < ROUNDS / 100; i++) {
		size_t len;

		set_random(&record);
		len = encode(&record, bytes);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(
			    decode(&again, bytes, cut), JP_ERR_DAMAGED);
	}
}

static void
a_byte_behind_a_record_is_damage(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	len = encode(&record, bytes);
	bytes[len] = 0;
	assert_int_equal(decode(&record, bytes, len + 1), JP_ERR_DAMAGED);
}

static void
only_newer_versions_are_called_newer(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	len = encode(&record, bytes);
	for (unsigned int version = 0; version < 256; version++) {
		enum jp_err expected = JP_ERR_NEWER;

		if (version == JP_RECORD_VERSION)
			expected = JP_ERR_OK;
		else if (version < JP_RECORD_VERSION) /* too long for 1 */
			expected = JP_ERR_DAMAGED;
		bytes[0] = (uint8_t)version;
		assert_int_equal(decode(&record, bytes, len), expected);
	}
}

/* What an encoding is longer by that has none of the fields of a version. */
enum {
	VERSION_2 = 2 + 8 + 2, /* ends, denied_at, denied_why */
	VERSION_3 = 2,         /* prefix */
	VERSION_4 = 2 + 2 + 8 + 2 + 4 + 4 + 8 + JP_FAST_TAG_LEN,
};

/* Without the fields that came with version 4. */
static void
set_full_3(struct jp_record *record)
{
	record_set_full(record);
	for (size_t i = 0; i < record->use_len; i++)
		record->uses[i].since = JP_NEVER;
	memset(record->parent, 0, sizeof(record->parent));
	memset(record->owner_group, 0, sizeof(record->owner_group));
	record->disabled_at = JP_NEVER;
	memset(record->disabled_by, 0, sizeof(record->disabled_by));
	record->uses_max = record->uses_left = 0;
	record->claim_until = JP_NEVER;
	memset(record->claim_tag, 0, sizeof(record->claim_tag));
}

static void
set_full_2(struct jp_record *record)
{
	set_full_3(record);
	memset(record->prefix, 0, sizeof(record->prefix));
}

static void
set_full_1(struct jp_record *record)
{
	set_full_2(record);
	memset(record->ends, 0, sizeof(record->ends));
	memset(record->denied_why, 0, sizeof(record->denied_why));
	record->denied_at = JP_NEVER;
}

static void
assert_read_as_version(const struct jp_record *in, uint8_t version, size_t more)
{
	struct jp_record out;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len = encode(in, bytes) - more - in->use_len * 8;

	bytes[0] = version;
	assert_int_equal(decode(&out, bytes, len), JP_ERR_OK);
	assert_memory_equal(in, &out, sizeof(*in));
	assert_int_equal(decode(&out, bytes, len + 1), JP_ERR_DAMAGED);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode(&out, bytes, cut), JP_ERR_DAMAGED);
}

static void
a_record_of_version_3_is_read_as_it_was(void **unused)
{
	struct jp_record record;

	(void)unused;
	set_full_3(&record);
	assert_read_as_version(&record, 3, VERSION_4);
}

static void
a_record_of_version_2_is_read_as_it_was(void **unused)
{
	struct jp_record record;

	(void)unused;
	set_full_2(&record);
	assert_read_as_version(&record, 2, VERSION_3 + VERSION_4);
}

static void
a_record_of_version_1_is_read_as_it_was(void **unused)
{
	struct jp_record record;

	(void)unused;
	set_full_1(&record);
	assert_read_as_version(&record, 1, VERSION_2 + VERSION_3 + VERSION_4);
}

static void
a_newer_record_of_another_length_is_newer(void **unused)
{
	static const uint8_t bytes[] = { JP_RECORD_VERSION + 1, 'x' };
	struct jp_record record;

	(void)unused;
	assert_int_equal(decode(&record, bytes, sizeof(bytes)), JP_ERR_NEWER);
}

static void
an_id_out_of_the_alphabet_is_damage(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	len = encode(&record, bytes);
	for (size_t i = 0; i < JP_TOKEN_ID_LEN; i++) {
		uint8_t kept = bytes[ID_AT + i];

		for (unsigned int c = 0; c < 256; c++) {
			bool good =
			    c != 0 && strchr(JP_TOKEN_ALPHABET, (int)c) != NULL;

			bytes[ID_AT + i] = (uint8_t)c;
			assert_int_equal(decode(&record, bytes, len),
			    good ? JP_ERR_OK : JP_ERR_DAMAGED);
		}
		bytes[ID_AT + i] = kept;
	}
}

/* Where the counts and flags of an empty record stand. */
enum {
	USES_AT = 9 + 2 + 8 + 2 + 8 + 2 + 8 + 2 + 2 + 8 + 4,
	SCOPES_AT = USES_AT + 1,
	SERVICES_AT,
	NETS_AT,
	KEEP_AT = NETS_AT + 1 + 2 + 8 + 8,
	HAS_TAG_AT = KEEP_AT + 1 + 2,
};

static void
a_count_or_flag_out_of_its_bounds_is_damage(void **unused)
{
	static const size_t places[] = { USES_AT, SCOPES_AT, SERVICES_AT,
		NETS_AT, KEEP_AT, HAS_TAG_AT };
	static const uint8_t most[] = { JP_USES_MAX, JP_SCOPES_MAX,
		JP_SERVICES_MAX, JP_NETS_MAX, 1, 1 };
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX] = { 0 };
	size_t len;

	(void)unused;
	record_set_empty(&record);
	len = encode(&record, bytes);
	assert_int_equal(len, HAS_TAG_AT + 1 + JP_FAST_TAG_LEN + VERSION_2 +
	                          VERSION_3 + VERSION_4);
	for (size_t i = 0; i < COUNT_OF(places); i++)
		for (unsigned int value = most[i] + 1U; value < 256; value++) {
			bytes[places[i]] = (uint8_t)value;
			assert_int_equal(decode(&record, bytes, sizeof(bytes)),
			    JP_ERR_DAMAGED);
			assert_int_equal(
			    decode(&record, bytes, len), JP_ERR_DAMAGED);
			bytes[places[i]] = 0;
		}
}

static void
a_flag_of_one_is_true(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	len = encode(&record, bytes);
	bytes[KEEP_AT] = 1;
	bytes[HAS_TAG_AT] = 1;
	assert_int_equal(decode(&record, bytes, len), JP_ERR_OK);
	assert_true(record.keep_until_grace && record.has_fast_tag);
}

static void
a_prefix_beyond_128_bits_is_damage(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	record.net_len = 1;
	len = encode(&record, bytes);
	bytes[NETS_AT + 1 + 16] = 129;
	assert_int_equal(decode(&record, bytes, len), JP_ERR_DAMAGED);
}

static void
a_nul_inside_a_text_is_damage(void **unused)
{
	struct jp_record record, again;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len, found = 0;

	(void)unused;
	record_set_full(&record);
	len = encode(&record, bytes);
	for (size_t at = ID_AT + JP_TOKEN_ID_LEN; at < len; at++) {
		if (bytes[at] != 'x')
			continue;
		found++;
		bytes[at] = 0;
		assert_int_equal(decode(&again, bytes, len), JP_ERR_DAMAGED);
		bytes[at] = 'x';
	}
	assert_true(found > 2000);
}

static void
a_text_longer_than_its_field_is_damage(void **unused)
{
	struct jp_record record, again;
	uint8_t bytes[JP_RECORD_MAX], longer[JP_RECORD_MAX + 1];
	size_t len;

	(void)unused;
	record_set_empty(&record);
	record_fill(record.user, JP_USER_MAX);
	len = encode(&record, bytes);
	memcpy(longer, bytes, USER_AT + 2);
	longer[USER_AT] = 1; /* 256 bytes */
	longer[USER_AT + 1] = 0;
	longer[USER_AT + 2] = 'x';
	memcpy(longer + USER_AT + 3, bytes + USER_AT + 2, len - (USER_AT + 2));
	assert_int_equal(decode(&again, longer, len + 1), JP_ERR_DAMAGED);
}

static void
changed_bytes_that_are_accepted_encode_the_same(void **unused)
{
	struct jp_record record, again;
	uint8_t bytes[JP_RECORD_MAX], back[JP_RECORD_MAX];
	unsigned int accepted = 0;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		size_t len;

		set_random(&record);
		len = encode(&record, bytes);
		for (uint32_t n = 1 + draw(3); n > 0; n--)
			bytes[draw((uint32_t)len)] = (uint8_t)draw(256);
		if (decode(&again, bytes, len) != JP_ERR_OK)
			continue;
		accepted++;
		assert_int_equal(encode(&again, back), len);
		assert_memory_equal(back, bytes, len);
	}
	assert_true(accepted > ROUNDS / 10);
}

static void
a_peek_sees_what_decoding_sees(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		size_t len, user_len;
		const char *user;
		int64_t expires_at;

		set_random(&record);
		len = encode(&record, bytes);
		assert_int_equal(
		    jp_record_peek(bytes, len, &user, &user_len, &expires_at),
		    JP_ERR_OK);
		assert_int_equal(user_len, strlen(record.user));
		assert_memory_equal(user, record.user, user_len);
		assert_true(expires_at == record.expires_at);
	}
}

static void
a_peek_at_the_owner_sees_what_decoding_sees(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	const char *group;
	size_t len, group_len;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		set_random(&record);
		len = encode(&record, bytes);
		assert_int_equal(
		    jp_record_peek_owner(bytes, len, &group, &group_len),
		    JP_ERR_OK);
		assert_int_equal(group_len, strlen(record.owner_group));
		assert_memory_equal(group, record.owner_group, group_len);
		assert_int_equal(
		    jp_record_peek_owner(bytes, len - 1, &group, &group_len),
		    JP_ERR_DAMAGED);
		assert_int_equal(group_len, 0);
	}
}

static void
a_peek_at_cut_bytes_fails(void **unused)
{
	struct jp_record record;
	uint8_t bytes[JP_RECORD_MAX];
	const char *user;
	size_t user_len;
	int64_t expires_at;

	(void)unused;
	record_set_full(&record);
	(void)encode(&record, bytes);
	for (size_t cut = 0; cut < USER_AT + 2 + JP_USER_MAX + 8; cut++)
		assert_int_not_equal(
		    jp_record_peek(bytes, cut, &user, &user_len, &expires_at),
		    JP_ERR_OK);
}

static void
a_token_ends_in_the_second_that_is_its_end(void **unused)
{
	static const struct {
		int64_t revoked_at, superseded_at, grace_until, expires_at;
		enum jp_state state; /* at 1000 */
	} rows[] = {
		{ 0, 0, 0, 0, JP_STATE_LIVE },
		{ 0, 0, 0, 1001, JP_STATE_LIVE },
		{ 0, 0, 0, 1000, JP_STATE_EXPIRED },
		{ 0, 0, 0, 999, JP_STATE_EXPIRED },
		{ 0, 0, 0, -1, JP_STATE_EXPIRED },
		{ 0, 900, 1001, 0, JP_STATE_LIVE },
		{ 0, 900, 1000, 0, JP_STATE_SUPERSEDED },
		{ 0, 900, 0, 0, JP_STATE_SUPERSEDED },
		{ 0, 2000, 2001, 0, JP_STATE_LIVE },
		{ 0, 2000, 2000, 0, JP_STATE_SUPERSEDED },
		{ 0, 2000, 1500, 0, JP_STATE_SUPERSEDED },
		{ 0, 0, 900, 0, JP_STATE_LIVE },
		{ 0, 900, 1001, 1000, JP_STATE_EXPIRED },
		{ 0, 900, 999, 999, JP_STATE_SUPERSEDED },
		{ 1, 0, 0, 0, JP_STATE_REVOKED },
		{ 2000, 0, 0, 0, JP_STATE_REVOKED },
		{ 1, 900, 999, 999, JP_STATE_REVOKED },
	};
	struct jp_record record;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		record_set_empty(&record);
		record.revoked_at = rows[i].revoked_at;
		record.superseded_at = rows[i].superseded_at;
		record.grace_until = rows[i].grace_until;
		record.expires_at = rows[i].expires_at;
		assert_int_equal(jp_record_state(&record, 1000), rows[i].state);
	}
}

/* In the order of the contract of jp_record_state(); what ended stays so. */
static void
what_pauses_a_token_shows_by_its_record(void **unused)
{
	static const struct {
		uint32_t uses_max, uses_left;
		int64_t claim_until, disabled_at, revoked_at, expires_at;
		enum jp_state state; /* at 1000 */
	} rows[] = {
		{ 0, 0, 0, 0, 0, 0, JP_STATE_LIVE },
		{ 5, 1, 0, 0, 0, 0, JP_STATE_LIVE },
		{ 5, 0, 0, 0, 0, 0, JP_STATE_USED_UP },
		{ 5, 0, 1001, 900, 0, 0, JP_STATE_USED_UP },
		{ 5, 0, 1001, 900, 0, 1000, JP_STATE_EXPIRED },
		{ 5, 0, 1001, 900, 900, 0, JP_STATE_REVOKED },
		{ 0, 0, 1001, 0, 0, 0, JP_STATE_UNCLAIMED },
		{ 0, 0, 999, 0, 0, 0, JP_STATE_UNCLAIMED },
		{ 0, 0, 999, 900, 0, 0, JP_STATE_UNCLAIMED },
		{ 0, 0, 0, 900, 0, 0, JP_STATE_DISABLED },
		{ 0, 0, 0, 2000, 0, 0, JP_STATE_DISABLED },
		{ 0, 0, 0, 900, 0, 1000, JP_STATE_EXPIRED },
	};
	struct jp_record record;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		record_set_empty(&record);
		record.uses_max = rows[i].uses_max;
		record.uses_left = rows[i].uses_left;
		record.claim_until = rows[i].claim_until;
		record.disabled_at = rows[i].disabled_at;
		record.revoked_at = rows[i].revoked_at;
		record.expires_at = rows[i].expires_at;
		assert_int_equal(jp_record_state(&record, 1000), rows[i].state);
		assert_int_equal(jp_record_ended(&record, 1000),
		    jp_state_status(rows[i].state) == JP_STATUS_DEAD);
	}
}

static void
a_token_that_is_used_up_ended_with_its_last_use(void **unused)
{
	struct jp_record record;

	(void)unused;
	record_set_empty(&record);
	record.created_at = 100;
	record.expires_at = 3000;
	record.uses_max = 2;
	record.uses_left = 1;
	record.last_used_at = 200;
	assert_int_equal(jp_record_end(&record), 3000);
	record.uses_left = 0;
	assert_int_equal(jp_record_end(&record), 200);
	record.last_used_at = JP_NEVER; /* its children have them all */
	assert_int_equal(jp_record_end(&record), 100);
}

static void
a_parent_means_its_state_to_a_child_but_for_uses_of_its_own(void **unused)
{
	static const struct {
		uint32_t uses_max, own;
		int64_t revoked_at, disabled_at;
		enum jp_state state; /* at 1000 */
	} rows[] = {
		{ 0, 0, 0, 0, JP_STATE_LIVE },
		{ 0, 0, 900, 900, JP_STATE_REVOKED },
		{ 0, 0, 0, 900, JP_STATE_DISABLED },
		{ 5, 0, 0, 0, JP_STATE_USED_UP },
		{ 5, 2, 0, 0, JP_STATE_LIVE },
		{ 5, 2, 0, 900, JP_STATE_DISABLED },
		{ 5, 2, 900, 0, JP_STATE_REVOKED },
	};
	struct jp_record parent, child;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		record_set_empty(&parent);
		record_set_empty(&child);
		parent.uses_max = rows[i].uses_max;
		parent.revoked_at = rows[i].revoked_at;
		parent.disabled_at = rows[i].disabled_at;
		child.uses_max = rows[i].own;
		assert_int_equal(
		    jp_record_state_of_parent(&parent, &child, 1000),
		    rows[i].state);
	}
}

static void
each_new_address_is_one_place(void **unused)
{
	static const struct {
		const char *rhost;
		int64_t since;
		bool is_new; /* since 100 */
	} rows[] = {
		{ "192.0.2.1", 100, true },
		{ "192.0.2.1", 100, false },
		{ "192.0.2.2", 99, false },
		{ "", 200, false },
		{ "192.0.2.3", JP_NEVER, false },
	};
	struct jp_record record;

	(void)unused;
	record_set_empty(&record);
	record.use_len = COUNT_OF(rows);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		strcpy(record.uses[i].rhost, rows[i].rhost);
		record.uses[i].since = rows[i].since;
		assert_int_equal(
		    jp_record_place_is_new(&record, i, 100), rows[i].is_new);
	}
	assert_false(jp_record_place_is_new(&record, 4, 0));
}

/* Text that both checks judge alike. */
static const struct {
	const char *text;
	bool good;
} texts[] = {
	{ "a", true }, { "alice", true }, { "EXAMPLE\\alice", true },
	{ "alice@example.org", true }, { "http/web.example.org", true },
	{ "-x", true }, { "a b", true }, { " ", true }, { "\xc3\xa9", true },
	{ "\xe2\x82\xac", true }, { "\xf0\x9f\x98\x80", true },
	{ "\xf4\x8f\xbf\xbf", true }, { "\xed\x9f\xbf", true },
	{ "\xee\x80\x80", true }, { "\xc2\xa0", true }, { "\x80", false },
	{ "\xbf", false }, { "\xff", false }, { "\xfe", false },
	{ "\xc0\x80", false },                            /* NUL, overlong */
	{ "\xc1\xbf", false },                            /* overlong */
	{ "\xe0\x80\xaf", false },                        /* overlong */
	{ "\xe0\x9f\xbf", false },                        /* overlong */
	{ "\xf0\x80\x80\xaf", false },                    /* overlong */
	{ "\xf0\x8f\xbf\xbf", false },                    /* overlong */
	{ "\xed\xa0\x80", false },                        /* U+D800 */
	{ "\xed\xbf\xbf", false },                        /* U+DFFF */
	{ "\xf4\x90\x80\x80", false },                    /* U+110000 */
	{ "\xf5\x80\x80\x80", false }, { "\xc3", false }, /* cut */
	{ "\xe2\x82", false }, { "\xe2", false }, { "\xf0\x9f\x98", false },
	{ "\xf0\x9f", false }, { "\xc3z", false }, { "\xe2\x82z", false },
	{ "\xf0\x9f\x98z", false }, { "a\tb", false }, { "a\nb", false },
	{ "a\rb", false }, { "\x01", false }, { "\x1b[31m", false },
	{ "\x1f", false }, { "\x7f", false }, { "\xc2\x80", false }, /* C1 */
	{ "\xc2\x9f", false },                                       /* C1 */
};

static void
users_are_utf8_without_controls(void **unused)
{
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(jp_user_check(texts[i].text, &why),
		    texts[i].good ? JP_ERR_OK : JP_ERR_INVALID);
}

static void
texts_are_utf8_without_controls(void **unused)
{
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(jp_text_check("name", texts[i].text, 32, &why),
		    texts[i].good ? JP_ERR_OK : JP_ERR_INVALID);
}

static void
a_user_with_a_colon_is_refused(void **unused)
{
	static const char *const users[] = { ":", "a:", ":a", "a:b" };
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(users); i++)
		assert_int_equal(jp_user_check(users[i], &why), JP_ERR_INVALID);
	assert_int_equal(jp_text_check("name", "a:b", 9, &why), JP_ERR_OK);
}

static void
only_a_user_must_not_be_empty(void **unused)
{
	struct jp_why why;

	(void)unused;
	assert_int_equal(jp_user_check("", &why), JP_ERR_INVALID);
	assert_int_equal(jp_text_check("name", "", 9, &why), JP_ERR_OK);
}

static void
texts_may_be_as_long_as_their_field(void **unused)
{
	char text[JP_USER_MAX + 2];
	struct jp_why why;

	(void)unused;
	record_fill(text, JP_USER_MAX);
	assert_int_equal(jp_user_check(text, &why), JP_ERR_OK);
	assert_int_equal(jp_text_check("name", text, 255, &why), JP_ERR_OK);
	assert_int_equal(
	    jp_text_check("name", text, 254, &why), JP_ERR_INVALID);
	record_fill(text, JP_USER_MAX + 1);
	assert_int_equal(jp_user_check(text, &why), JP_ERR_INVALID);
}

static void
each_state_has_its_name(void **unused)
{
	(void)unused;
	assert_string_equal(jp_state_name(JP_STATE_REVOKED), "revoked");
	assert_string_equal(jp_state_name(JP_STATE_SUPERSEDED), "superseded");
	assert_string_equal(jp_state_name(JP_STATE_EXPIRED), "expired");
	assert_string_equal(jp_state_name(JP_STATE_LIVE), "live");
}

/* They cross admin.sock. */
static void
each_state_keeps_its_number(void **unused)
{
	(void)unused;
	assert_int_equal(JP_STATE_REVOKED, 0);
	assert_int_equal(JP_STATE_SUPERSEDED, 1);
	assert_int_equal(JP_STATE_EXPIRED, 2);
	assert_int_equal(JP_STATE_LIVE, 3);
	assert_int_equal(JP_STATE_REPLACED, 4);
	assert_int_equal(JP_STATE_UNUSED, 5);
	assert_int_equal(JP_STATE_USER_DISABLED, 6);
	assert_int_equal(JP_STATE_PREFIX, 7);
	assert_int_equal(JP_STATE_DISABLED, 8);
	assert_int_equal(JP_STATE_PARENT, 9);
	assert_int_equal(JP_STATE_PARENT_PAUSED, 10);
	assert_int_equal(JP_STATE_USED_UP, 11);
	assert_int_equal(JP_STATE_UNCLAIMED, 12);
	assert_int_equal(JP_STATE_COUNT, 13);
}

/* In the order of the decision; what ended stays ended. */
static void
a_state_is_what_the_decision_would_say(void **unused)
{
	static const struct {
		int64_t revoked_at, grace_until, last_used_at;
		bool foreign_prefix, disabled;
		const char *text; /* at 1000, with a limit of 100 */
	} rows[] = {
		{ 0, 0, 900, false, false, "live" },
		{ 0, 0, 899, false, false, "paused: unused" },
		{ 0, 0, 900, false, true, "paused: user-disabled" },
		{ 0, 0, 899, false, true, "paused: unused" },
		{ 0, 0, 899, true, true, "dead: prefix" },
		{ 0, 1001, 900, false, false,
		    "replaced until 1970-01-01T00:16:41Z" },
		{ 0, 1001, 900, false, true, "paused: user-disabled" },
		{ 0, 1000, 900, true, true, "dead: superseded" },
		{ 1, 1001, 900, true, true, "dead: revoked" },
	};
	char text[JP_STATE_TEXT_MAX];
	struct jp_record record;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct jp_circumstances around = { 1000, 100,
			!rows[i].foreign_prefix, rows[i].disabled,
			JP_STATE_LIVE };

		record_set_empty(&record);
		record.revoked_at = rows[i].revoked_at;
		record.superseded_at = rows[i].grace_until != 0 ? 900 : 0;
		record.grace_until = rows[i].grace_until;
		record.last_used_at = rows[i].last_used_at;
		jp_state_format(
		    jp_record_state_in(&record, &around), &record, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* Each row names all that comes behind its own state, too. */
static void
what_is_around_a_token_has_its_place_in_the_order(void **unused)
{
	static const struct {
		uint32_t uses_max;
		bool foreign;
		enum jp_state parent;
		int64_t claim_until, disabled_at;
		bool unused, user_disabled;
		int64_t superseded_at;
		const char *text; /* at 1000 */
	} rows[] = {
		{ 1, true, JP_STATE_REVOKED, 1001, 900, true, true, 900,
		    "dead: used-up" },
		{ 0, true, JP_STATE_REVOKED, 1001, 900, true, true, 900,
		    "dead: prefix" },
		{ 0, false, JP_STATE_REVOKED, 1001, 900, true, true, 900,
		    "dead: parent" },
		{ 0, false, JP_STATE_DISABLED, 999, 900, true, true, 900,
		    "paused: unclaimed" },
		{ 0, false, JP_STATE_DISABLED, 0, 900, true, true, 900,
		    "paused: disabled" },
		{ 0, false, JP_STATE_DISABLED, 0, 0, true, true, 900,
		    "paused: unused" },
		{ 0, false, JP_STATE_DISABLED, 0, 0, false, true, 900,
		    "paused: user-disabled" },
		{ 0, false, JP_STATE_UNCLAIMED, 0, 0, false, false, 900,
		    "paused: parent" },
		{ 0, false, JP_STATE_LIVE, 0, 0, false, false, 900,
		    "replaced until 1970-01-01T00:33:20Z" },
		{ 0, false, JP_STATE_LIVE, 0, 0, false, false, 0, "live" },
	};
	char text[JP_STATE_TEXT_MAX];
	struct jp_record record;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct jp_circumstances around = {
			.now = 1000,
			.unused_limit = 100,
			.prefix_accepted = !rows[i].foreign,
			.user_disabled = rows[i].user_disabled,
			.parent = rows[i].parent,
		};

		record_set_empty(&record);
		strcpy(record.parent, "parent01");
		record.uses_max = rows[i].uses_max;
		record.claim_until = rows[i].claim_until;
		record.disabled_at = rows[i].disabled_at;
		record.last_used_at = rows[i].unused ? 800 : 950;
		record.superseded_at = rows[i].superseded_at;
		record.grace_until = 2000;
		jp_state_format(
		    jp_record_state_in(&record, &around), &record, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* Forgotten circumstances are zeroes, which are those of a revoked parent. */
static void
only_a_child_looks_at_its_parent(void **unused)
{
	const struct jp_circumstances around = { .now = 1000,
		.prefix_accepted = true };
	struct jp_record record;

	(void)unused;
	record_set_empty(&record);
	assert_int_equal(jp_record_state_in(&record, &around), JP_STATE_LIVE);
	strcpy(record.parent, "parent01");
	assert_int_equal(jp_record_state_in(&record, &around), JP_STATE_PARENT);
}

static void
a_replaced_token_ends_with_its_grace_or_before_by_its_expiry(void **unused)
{
	char text[JP_STATE_TEXT_MAX];
	struct jp_record record;

	(void)unused;
	record_set_empty(&record);
	record.superseded_at = 900;
	record.grace_until = JP_WHEN_MAX;
	record.expires_at = 1001;
	jp_state_format(JP_STATE_REPLACED, &record, text);
	assert_string_equal(text, "replaced until 1970-01-01T00:16:41Z");
	record.expires_at = JP_NEVER;
	jp_state_format(JP_STATE_REPLACED, &record, text);
	assert_string_equal(text, "replaced until 9999-12-31T23:59:59Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_record_comes_back),
		cmocka_unit_test(the_largest_record_fits_and_comes_back),
		cmocka_unit_test(random_records_come_back),
		cmocka_unit_test(a_record_cut_at_any_byte_is_damaged),
		cmocka_unit_test(random_records_cut_at_any_byte_are_damaged),
		cmocka_unit_test(a_byte_behind_a_record_is_damage),
		cmocka_unit_test(only_newer_versions_are_called_newer),
		cmocka_unit_test(a_record_of_version_3_is_read_as_it_was),
		cmocka_unit_test(a_record_of_version_2_is_read_as_it_was),
		cmocka_unit_test(each_state_keeps_its_number),
		cmocka_unit_test(a_state_is_what_the_decision_would_say),
		cmocka_unit_test(what_pauses_a_token_shows_by_its_record),
		cmocka_unit_test(
		    a_token_that_is_used_up_ended_with_its_last_use),
		cmocka_unit_test(
		    a_parent_means_its_state_to_a_child_but_for_uses_of_its_own),
		cmocka_unit_test(
		    what_is_around_a_token_has_its_place_in_the_order),
		cmocka_unit_test(only_a_child_looks_at_its_parent),
		cmocka_unit_test(each_new_address_is_one_place),
		cmocka_unit_test(
		    a_replaced_token_ends_with_its_grace_or_before_by_its_expiry),
		cmocka_unit_test(a_record_of_version_1_is_read_as_it_was),
		cmocka_unit_test(a_newer_record_of_another_length_is_newer),
		cmocka_unit_test(an_id_out_of_the_alphabet_is_damage),
		cmocka_unit_test(a_count_or_flag_out_of_its_bounds_is_damage),
		cmocka_unit_test(a_flag_of_one_is_true),
		cmocka_unit_test(a_prefix_beyond_128_bits_is_damage),
		cmocka_unit_test(a_nul_inside_a_text_is_damage),
		cmocka_unit_test(a_text_longer_than_its_field_is_damage),
		cmocka_unit_test(
		    changed_bytes_that_are_accepted_encode_the_same),
		cmocka_unit_test(a_peek_sees_what_decoding_sees),
		cmocka_unit_test(a_peek_at_the_owner_sees_what_decoding_sees),
		cmocka_unit_test(a_peek_at_cut_bytes_fails),
		cmocka_unit_test(a_token_ends_in_the_second_that_is_its_end),
		cmocka_unit_test(users_are_utf8_without_controls),
		cmocka_unit_test(texts_are_utf8_without_controls),
		cmocka_unit_test(a_user_with_a_colon_is_refused),
		cmocka_unit_test(only_a_user_must_not_be_empty),
		cmocka_unit_test(texts_may_be_as_long_as_their_field),
		cmocka_unit_test(each_state_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
