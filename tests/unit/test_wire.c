/*
 * The verify protocol: common/wire/verify.c. Every buffer that is parsed has
 * memory of just its length, for the sanitizer to watch.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/verify.h"

enum {
	FRONT_AT = 4,
	USER_AT = 9, /* of a request: its length */
	VERDICT_AT = 4,
	REPLY_USER_AT = 9, /* its length */
	HEAD = 9,
	DETAILS_END = REPLY_USER_AT + 2 + 5 + 1 + 2 + 8 + 8 + 2 + 6,
};

static void
set_request(struct jp_request *request, const char *user, const char *token,
    const char *service, const char *rhost)
{
	memset(request, 0, sizeof(*request));
	request->front = JP_FRONT_SASL;
	request->seq = 0x01020304;
	assert_int_equal(
	    jp_field_set(request->user, sizeof(request->user), user),
	    JP_ERR_OK);
	assert_int_equal(
	    jp_secret_set(&request->token, token, strlen(token)), JP_ERR_OK);
	assert_int_equal(
	    jp_field_set(request->service, sizeof(request->service), service),
	    JP_ERR_OK);
	assert_int_equal(
	    jp_field_set(request->rhost, sizeof(request->rhost), rhost),
	    JP_ERR_OK);
}

static size_t
example_of(bool detailed, uint8_t bytes[JP_REQUEST_MAX])
{
	struct jp_request request;
	size_t len;

	set_request(&request, "alice", "token", "jira-read", "192.0.2.7");
	request.detailed = detailed;
	request.access = detailed ? JP_ACCESS_READ : JP_ACCESS_WRITE;
	assert_int_equal(jp_request_encode(&request, bytes, &len), JP_ERR_OK);
	return len;
}

static size_t
example(uint8_t bytes[JP_REQUEST_MAX])
{
	return example_of(false, bytes);
}

static enum jp_err
decode(struct jp_request *request, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum jp_err err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	err = jp_request_decode(request, exact, len);
	free(exact);
	return err;
}

static void
fill(char *text, size_t len, char c)
{
	memset(text, c, len);
	text[len] = '\0';
}

static void
requests_come_back_as_they_went(void **unused)
{
	char user[JP_USER_MAX + 1];
	char token[JP_SECRET_MAX + 1];
	char service[JP_SERVICE_MAX + 1];
	char rhost[JP_RHOST_MAX + 1];
	struct jp_request in;
	struct jp_request out;
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;

	(void)unused;
	for (size_t n = 0; n <= JP_SECRET_MAX; n++) {
		fill(user, n < JP_USER_MAX ? n : JP_USER_MAX, '\xff');
		fill(token, n, '\x01');
		fill(service, n < JP_SERVICE_MAX ? n : JP_SERVICE_MAX, ' ');
		fill(rhost, n < JP_RHOST_MAX ? n : JP_RHOST_MAX, ':');
		set_request(&in, user, token, service, rhost);
		in.front = (enum jp_front)(n % JP_FRONT_COUNT);
		in.last = n / JP_FRONT_COUNT % 2 == 1;
		in.detailed = n % 3 > 0;
		in.access =
		    n % 3 == 0 ? JP_ACCESS_WRITE : (enum jp_access)(n / 3 % 3);
		assert_int_equal(
		    jp_request_encode(&in, bytes, &len), JP_ERR_OK);
		assert_true(len <= JP_REQUEST_MAX);
		assert_int_equal(decode(&out, bytes, len), JP_ERR_OK);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void
the_layout_of_a_request_is_fixed(void **unused)
{
	static const char expected[] = "JPV1\x01\x01\x02\x03\x04"
	                               "\0\x05"
	                               "alice"
	                               "\0\x05"
	                               "token"
	                               "\0\x09"
	                               "jira-read"
	                               "\0\x09"
	                               "192.0.2.7";
	uint8_t bytes[JP_REQUEST_MAX];

	(void)unused;
	assert_int_equal(example(bytes), sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, sizeof(expected) - 1);
}

static void
the_layout_of_a_detailed_request_is_fixed(void **unused)
{
	static const char expected[] = "JPV2\x01\x01\x02\x03\x04"
	                               "\0\x05"
	                               "alice"
	                               "\0\x05"
	                               "token"
	                               "\0\x09"
	                               "jira-read"
	                               "\0\x09"
	                               "192.0.2.7"
	                               "\x01";
	uint8_t bytes[JP_REQUEST_MAX];

	(void)unused;
	assert_int_equal(example_of(true, bytes), sizeof(expected) - 1);
	assert_memory_equal(bytes, expected, sizeof(expected) - 1);
}

static void
every_truncation_of_a_request_is_refused(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX];
	const struct jp_request cleared = { 0 };
	struct jp_request request;

	(void)unused;
	for (int detailed = 0; detailed < 2; detailed++) {
		size_t len = example_of(detailed, bytes);

		for (size_t n = 0; n < len; n++) {
			assert_int_not_equal(
			    decode(&request, bytes, n), JP_ERR_OK);
			assert_memory_equal(
			    &request, &cleared, sizeof(request));
		}
	}
}

static void
an_unknown_access_is_refused(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX];
	struct jp_request request;
	size_t len = example_of(true, bytes);

	(void)unused;
	for (unsigned int access = 0; access < 256; access++) {
		bytes[len - 1] = (uint8_t)access;
		assert_int_equal(decode(&request, bytes, len),
		    access <= JP_ACCESS_SELF ? JP_ERR_OK : JP_ERR_PROTOCOL);
	}
}

/* The access of a detailed question is not lost in silence. */
static void
each_kind_of_request_has_its_own_fields(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX];
	struct jp_request request;
	size_t len = example_of(true, bytes);

	(void)unused;
	bytes[3] = '1';
	assert_int_equal(decode(&request, bytes, len), JP_ERR_TRAILING);
	len = example(bytes);
	bytes[3] = '2';
	assert_int_equal(decode(&request, bytes, len), JP_ERR_TRUNCATED);
	bytes[3] = '3';
	assert_int_equal(decode(&request, bytes, len), JP_ERR_PROTOCOL);
}

static void
bytes_behind_a_request_are_refused(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX + 1] = { 0 };
	struct jp_request request;
	size_t len = example(bytes);

	(void)unused;
	assert_int_equal(decode(&request, bytes, len + 1), JP_ERR_TRAILING);
	assert_int_equal(
	    decode(&request, bytes, JP_REQUEST_MAX), JP_ERR_TRAILING);
	assert_int_equal(
	    decode(&request, bytes, JP_REQUEST_MAX + 1), JP_ERR_TOO_LONG);
}

static void
an_unknown_front_or_magic_is_refused(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX];
	struct jp_request request;
	size_t len = example(bytes);

	(void)unused;
	for (unsigned int front = 0; front < 256; front++) {
		bytes[FRONT_AT] = (uint8_t)front;
		assert_int_equal(decode(&request, bytes, len),
		    front % JP_REQUEST_LAST < JP_FRONT_COUNT ? JP_ERR_OK
		                                             : JP_ERR_PROTOCOL);
	}
	(void)example(bytes);
	for (size_t i = 0; i < 4; i++) {
		bytes[i] ^= 0x20;
		assert_int_equal(decode(&request, bytes, len), JP_ERR_PROTOCOL);
		bytes[i] ^= 0x20;
	}
}

static void
a_nul_inside_a_text_is_refused(void **unused)
{
	uint8_t bytes[JP_REQUEST_MAX];
	struct jp_request request;
	size_t len = example(bytes);

	(void)unused;
	bytes[USER_AT + 2 + 2] = '\0';
	assert_int_equal(decode(&request, bytes, len), JP_ERR_INVALID);
	len = example(bytes);
	bytes[len - 1] = '\0';
	assert_int_equal(decode(&request, bytes, len), JP_ERR_INVALID);
}

/* One byte more than its field takes, in each of the four fields. */
static void
a_text_longer_than_its_field_is_refused(void **unused)
{
	static const size_t max[] = { JP_USER_MAX, JP_SECRET_MAX,
		JP_SERVICE_MAX, JP_RHOST_MAX };
	struct jp_request request;

	(void)unused;
	for (size_t field = 0; field < 4; field++) {
		uint8_t bytes[JP_REQUEST_MAX] = "JPV1";
		size_t at = HEAD;

		for (size_t i = 0; i < 4; i++) {
			size_t len = i == field ? max[i] + 1 : 0;

			bytes[at++] = (uint8_t)(len >> 8);
			bytes[at++] = (uint8_t)len;
			memset(bytes + at, 'x', len);
			at += len;
		}
		assert_int_equal(decode(&request, bytes, at), JP_ERR_TOO_LONG);
	}
}

static void
fields_take_what_fits_and_refuse_the_rest(void **unused)
{
	char field[4] = "old";

	(void)unused;
	assert_int_equal(
	    jp_field_set(field, sizeof(field), "abcd"), JP_ERR_TOO_LONG);
	assert_string_equal(field, "old");
	assert_int_equal(jp_field_set(field, sizeof(field), "abc"), JP_ERR_OK);
	assert_string_equal(field, "abc");
	assert_int_equal(jp_field_set(field, sizeof(field), ""), JP_ERR_OK);
	assert_string_equal(field, "");
}

/* Every value of every byte: what is accepted encodes to the same bytes. */
static void
accepted_requests_encode_to_the_same_bytes(void **state)
{
	uint8_t bytes[JP_REQUEST_MAX];
	uint8_t again[JP_REQUEST_MAX];
	struct jp_request request;
	size_t len = example_of(*state != NULL, bytes);
	size_t again_len;

	for (size_t at = 0; at < len; at++) {
		uint8_t old = bytes[at];

		for (unsigned int value = 0; value < 256; value++) {
			bytes[at] = (uint8_t)value;
			if (decode(&request, bytes, len) != JP_ERR_OK)
				continue;
			assert_int_equal(
			    jp_request_encode(&request, again, &again_len),
			    JP_ERR_OK);
			assert_int_equal(again_len, len);
			assert_memory_equal(again, bytes, len);
		}
		bytes[at] = old;
	}
}

/* One that tells all that it may. */
static const struct jp_reply accepting = {
	.verdict = JP_ACCEPT,
	.seq = 0x01020304,
	.user = "alice",
	.detailed = true,
	.id = "D4oBwk0S",
	.expires = 0x0102030405060708,
	.upstream = { .len = 6, .text = "secret" },
};

/* A reply in memory of just its length. */
static enum jp_err
decode_reply(struct jp_reply *reply, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum jp_err err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	err = jp_reply_decode(reply, exact, len);
	free(exact);
	return err;
}

static void
replies_come_back_as_they_went(void **unused)
{
	struct jp_reply in;
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	(void)unused;
	for (size_t n = 0; n <= JP_USER_MAX; n++) {
		memset(&in, 0, sizeof(in));
		in.verdict = (enum jp_verdict)(n % 3);
		in.seq = (uint32_t)n * 0x01010101U;
		fill(in.user, n, '\x80');
		jp_reply_encode(&in, bytes, &len);
		assert_int_equal(len, JP_REPLY_SIZE);
		assert_int_equal(decode_reply(&out, bytes, len), JP_ERR_OK);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

/* A short one has no room for what only a detailed one may tell. */
static void
a_short_reply_tells_the_verdict_and_the_user_alone(void **unused)
{
	struct jp_reply in = accepting;
	struct jp_reply wanted = {
		.verdict = JP_ACCEPT,
		.seq = accepting.seq,
		.user = "alice",
	};
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	(void)unused;
	in.detailed = false;
	in.denial = JP_DENIAL_RIGHTS;
	jp_reply_encode(&in, bytes, &len);
	assert_int_equal(decode_reply(&out, bytes, len), JP_ERR_OK);
	assert_memory_equal(&out, &wanted, sizeof(out));
}

static void
detailed_replies_come_back_as_they_went(void **unused)
{
	struct jp_reply in = accepting;
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	(void)unused;
	fill(in.user, JP_USER_MAX, '\x80');
	for (size_t n = 0; n <= JP_SECRET_MAX; n++) {
		memset(&in.upstream, 0, sizeof(in.upstream));
		fill(in.upstream.text, n, '\xff');
		in.upstream.len = n;
		in.expires = n % 2 ? INT64_MAX - (int64_t)n : 0;
		jp_reply_encode(&in, bytes, &len);
		assert_int_equal(len, JP_DETAILED_SIZE);
		assert_int_equal(decode_reply(&out, bytes, len), JP_ERR_OK);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void
the_layout_of_a_detailed_reply_is_fixed(void **unused)
{
	static const char head[] = "JPV2\x02\x01\x02\x03\x04"
	                           "\0\x05"
	                           "alice"
	                           "\0"
	                           "\0\x08"
	                           "D4oBwk0S"
	                           "\x01\x02\x03\x04\x05\x06\x07\x08"
	                           "\0\x06"
	                           "secret";
	uint8_t expected[JP_DETAILED_SIZE] = { 0 };
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	(void)unused;
	memcpy(expected, head, sizeof(head) - 1);
	memset(bytes, 0xff, sizeof(bytes));
	jp_reply_encode(&accepting, bytes, &len);
	assert_int_equal(len, 800);
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void
a_refused_reply_denies(void **unused)
{
	const struct jp_reply zero = { 0 };
	struct jp_reply in = accepting;
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX + 1] = { 0 };

	(void)unused;
	for (int detailed = 0; detailed < 2; detailed++) {
		size_t whole;

		in.detailed = detailed;
		jp_reply_encode(&in, bytes, &whole);
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			if (len == whole)
				continue;
			assert_int_equal(
			    decode_reply(&out, bytes, len), JP_ERR_PROTOCOL);
			assert_memory_equal(&out, &zero, sizeof(out));
		}
	}
	assert_int_equal(zero.verdict, JP_DENY);
}

/* Every value of every byte, the padding among them. */
static void
accepted_replies_encode_to_the_same_bytes(void **state)
{
	const struct jp_reply zero = { 0 };
	struct jp_reply in = accepting;
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	uint8_t again[JP_REPLY_MAX];
	size_t len, again_len;

	in.detailed = *state != NULL;
	jp_reply_encode(&in, bytes, &len);
	for (size_t at = 0; at < len; at++) {
		uint8_t old = bytes[at];

		for (unsigned int value = 0; value < 256; value++) {
			bytes[at] = (uint8_t)value;
			if (jp_reply_decode(&out, bytes, len) != JP_ERR_OK) {
				assert_memory_equal(&out, &zero, sizeof(out));
				continue;
			}
			jp_reply_encode(&out, again, &again_len);
			assert_int_equal(again_len, len);
			assert_memory_equal(again, bytes, len);
		}
		bytes[at] = old;
	}
}

static void
unknown_verdicts_and_padding_are_refused(void **unused)
{
	struct jp_reply in = { .verdict = JP_ACCEPT, .user = "alice" };
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	(void)unused;
	for (unsigned int verdict = JP_MAY + 1; verdict < 256; verdict++) {
		jp_reply_encode(&in, bytes, &len);
		bytes[VERDICT_AT] = (uint8_t)verdict;
		assert_int_equal(
		    jp_reply_decode(&out, bytes, len), JP_ERR_PROTOCOL);
	}
	for (size_t at = REPLY_USER_AT + 2 + 5; at < JP_REPLY_SIZE; at++) {
		jp_reply_encode(&in, bytes, &len);
		bytes[at] = 1;
		assert_int_equal(
		    jp_reply_decode(&out, bytes, len), JP_ERR_PROTOCOL);
	}
	for (size_t at = DETAILS_END; at < JP_DETAILED_SIZE; at++) {
		jp_reply_encode(&accepting, bytes, &len);
		bytes[at] = 1;
		assert_int_equal(
		    jp_reply_decode(&out, bytes, len), JP_ERR_PROTOCOL);
	}
}

static enum jp_err
through_the_wire(const struct jp_reply *reply)
{
	struct jp_reply out;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	jp_reply_encode(reply, bytes, &len);
	return jp_reply_decode(&out, bytes, len);
}

#define NAMED .user = "alice", .id = "D4oBwk0S"

static void
a_detailed_reply_tells_what_it_may_and_no_more(void **unused)
{
	static const struct {
		enum jp_err err;
		struct jp_reply reply;
	} rows[] = {
		{ JP_ERR_OK, { .verdict = JP_DENY } },
		{ JP_ERR_OK, { .denial = JP_DENIAL_THROTTLED } },
		{ JP_ERR_OK, { .denial = JP_DENIAL_RIGHTS, NAMED } },
		{ JP_ERR_OK, { .verdict = JP_UNAVAILABLE } },
		{ JP_ERR_OK, { .verdict = JP_ACCEPT, NAMED } },
		{ JP_ERR_OK, { .verdict = JP_MAY, .user = "alice" } },
		/* too much */
		{ JP_ERR_PROTOCOL, { NAMED } },
		{ JP_ERR_PROTOCOL, { .user = "alice" } },
		{ JP_ERR_PROTOCOL, { .id = "D4oBwk0S" } },
		{ JP_ERR_PROTOCOL, { .expires = 1 } },
		{ JP_ERR_PROTOCOL, { .upstream = { 1, "x" } } },
		{ JP_ERR_PROTOCOL, { .denial = JP_DENIAL_THROTTLED, NAMED } },
		{ JP_ERR_PROTOCOL,
		    { .denial = JP_DENIAL_RIGHTS, NAMED, .expires = 1 } },
		{ JP_ERR_PROTOCOL, { .denial = JP_DENIAL_RIGHTS,
		                       NAMED,
		                       .upstream = { 1, "x" } } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_UNAVAILABLE, NAMED } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_UNAVAILABLE,
		                       .denial = JP_DENIAL_THROTTLED } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_MAY, NAMED } },
		/* too little, or nonsense */
		{ JP_ERR_PROTOCOL, { .denial = JP_DENIAL_RIGHTS } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT, .user = "alice" } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT, .id = "D4oBwk0S" } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT,
		                       .user = "alice",
		                       .id = "D4oBwk0" } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT,
		                       .user = "alice",
		                       .id = "D4o\r\nk0S" } },
		{ JP_ERR_PROTOCOL,
		    { .verdict = JP_ACCEPT, NAMED, .expires = -1 } },
		{ JP_ERR_PROTOCOL, { .verdict = JP_ACCEPT,
		                       NAMED,
		                       .denial = JP_DENIAL_RIGHTS } },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jp_reply reply = rows[i].reply;

		print_message("row %zu\n", i);
		reply.detailed = true;
		assert_int_equal(through_the_wire(&reply), rows[i].err);
	}
}

/* They cross sockets, and older programs know them: none ever changes. */
static void
numbers_of_the_protocol_are_fixed(void **unused)
{
	const struct jp_request in = {
		.front = JP_FRONT_MUX, .last = true, .account = true
	};
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;

	(void)unused;
	assert_int_equal(JP_DENY, 0);
	assert_int_equal(JP_UNAVAILABLE, 1);
	assert_int_equal(JP_ACCEPT, 2);
	assert_int_equal(JP_MAY, 3);
	assert_int_equal(JP_FRONT_PAM, 0);
	assert_int_equal(JP_FRONT_SASL, 1);
	assert_int_equal(JP_FRONT_MUX, 2);
	assert_int_equal(JP_FRONT_ADMIN, 3);
	assert_int_equal(JP_FRONT_HTTP, 4);
	assert_string_equal(jp_front_name(JP_FRONT_HTTP), "http");
	assert_int_equal(JP_ACCESS_WRITE, 0);
	assert_int_equal(JP_ACCESS_READ, 1);
	assert_int_equal(JP_ACCESS_SELF, 2);
	assert_string_equal(JP_SERVICE_SELF, "tokens");
	assert_int_equal(JP_DENIAL_CREDENTIALS, 0);
	assert_int_equal(JP_DENIAL_RIGHTS, 1);
	assert_int_equal(JP_DENIAL_THROTTLED, 2);
	assert_int_equal(JP_REPLY_SIZE, 272);
	assert_int_equal(JP_DETAILED_SIZE, 800);
	assert_int_equal(jp_request_encode(&in, bytes, &len), JP_ERR_OK);
	assert_int_equal(bytes[FRONT_AT], JP_FRONT_MUX | 128 | 64);
}

int
main(void)
{
	static char detailed; /* any address */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_back_as_they_went),
		cmocka_unit_test(the_layout_of_a_request_is_fixed),
		cmocka_unit_test(the_layout_of_a_detailed_request_is_fixed),
		cmocka_unit_test(every_truncation_of_a_request_is_refused),
		cmocka_unit_test(an_unknown_access_is_refused),
		cmocka_unit_test(each_kind_of_request_has_its_own_fields),
		cmocka_unit_test(bytes_behind_a_request_are_refused),
		cmocka_unit_test(an_unknown_front_or_magic_is_refused),
		cmocka_unit_test(a_nul_inside_a_text_is_refused),
		cmocka_unit_test(a_text_longer_than_its_field_is_refused),
		cmocka_unit_test(fields_take_what_fits_and_refuse_the_rest),
		cmocka_unit_test(accepted_requests_encode_to_the_same_bytes),
		cmocka_unit_test_prestate(
		    accepted_requests_encode_to_the_same_bytes, &detailed),
		cmocka_unit_test(replies_come_back_as_they_went),
		cmocka_unit_test(
		    a_short_reply_tells_the_verdict_and_the_user_alone),
		cmocka_unit_test(detailed_replies_come_back_as_they_went),
		cmocka_unit_test(the_layout_of_a_detailed_reply_is_fixed),
		cmocka_unit_test(a_refused_reply_denies),
		cmocka_unit_test(accepted_replies_encode_to_the_same_bytes),
		cmocka_unit_test_prestate(
		    accepted_replies_encode_to_the_same_bytes, &detailed),
		cmocka_unit_test(unknown_verdicts_and_padding_are_refused),
		cmocka_unit_test(
		    a_detailed_reply_tells_what_it_may_and_no_more),
		cmocka_unit_test(numbers_of_the_protocol_are_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
