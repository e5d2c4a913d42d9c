/*
 * The saslauthd protocol: common/wire/saslauthd.c, and what it makes of realms:
 * common/wire/realm.c. Every buffer that is parsed has memory of just its
 * length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/wire/saslauthd.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Four texts, or five, as one question; returns its length. */
static size_t
build(uint8_t bytes[JP_MUX_FRAME_MAX], const char *const *texts, size_t count)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_MUX_FRAME_MAX);
	for (size_t i = 0; i < count; i++)
		jp_buf_put_str(&buf, texts[i]);
	assert_int_equal(buf.err, JP_ERR_OK);
	return buf.pos;
}

static enum jp_err
decode(struct jp_mux_frame *frame, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum jp_err err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	err = jp_mux_decode(frame, exact, len);
	free(exact);
	return err;
}

static enum jp_err
request_of(struct jp_request *request, enum jp_realm realm, const char *user,
    const char *password, const char *service, const char *realm_text,
    const char *address)
{
	const char *texts[] = { user, password, service, realm_text, address };
	uint8_t bytes[JP_MUX_FRAME_MAX];
	struct jp_mux_frame frame;
	size_t len = build(bytes, texts, address != NULL ? 5 : 4);

	assert_int_equal(decode(&frame, bytes, len), JP_ERR_OK);
	return jp_mux_request(&frame, realm, request);
}

static bool
all_zero(const void *mem, size_t len)
{
	const uint8_t *bytes = mem;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void
a_question_comes_back_as_it_went(void **unused)
{
	static const char *const texts[] = { "alice", "secret", "imap",
		"example.org", "192.0.2.7;993" };
	uint8_t bytes[JP_MUX_FRAME_MAX], again[JP_MUX_FRAME_MAX];
	struct jp_mux_frame frame;
	size_t len, again_len;

	(void)unused;
	for (size_t count = 4; count <= 5; count++) {
		len = build(bytes, texts, count);
		assert_int_equal(decode(&frame, bytes, len), JP_ERR_OK);
		assert_string_equal(frame.user, "alice");
		assert_string_equal(frame.password, "secret");
		assert_string_equal(frame.service, "imap");
		assert_string_equal(frame.realm, "example.org");
		assert_int_equal(frame.has_address, count == 5);
		assert_string_equal(
		    frame.address, count == 5 ? "192.0.2.7;993" : "");
		jp_mux_encode(&frame, again, &again_len);
		assert_int_equal(again_len, len);
		assert_memory_equal(again, bytes, len);
	}
}

static void
every_beginning_waits_for_more_but_for_one_of_four_texts(void **unused)
{
	static const char *const texts[] = { "alice", "secret", "imap", "",
		"::1;993" };
	uint8_t bytes[JP_MUX_FRAME_MAX];
	struct jp_mux_frame frame;
	size_t four = build(bytes, texts, 4), five = build(bytes, texts, 5);

	(void)unused;
	for (size_t len = 0; len < five; len++) {
		assert_int_equal(decode(&frame, bytes, len),
		    len == four ? JP_ERR_OK : JP_ERR_TRUNCATED);
		if (len != four)
			assert_true(all_zero(&frame, sizeof(frame)));
	}
}

static void
the_longest_texts_pass_and_longer_ones_are_refused_at_their_length(
    void **unused)
{
	char longest[JP_MUX_FIELD_MAX + 1];
	const char *texts[] = { longest, longest, longest, longest, longest };
	uint8_t bytes[JP_MUX_FRAME_MAX];
	struct jp_mux_frame frame;
	size_t len;

	(void)unused;
	memset(longest, 'x', JP_MUX_FIELD_MAX);
	longest[JP_MUX_FIELD_MAX] = '\0';
	len = build(bytes, texts, 5);
	assert_int_equal(len, JP_MUX_FRAME_MAX);
	assert_int_equal(decode(&frame, bytes, len), JP_ERR_OK);
	for (size_t at = 0; at < len; at += 2 + JP_MUX_FIELD_MAX) {
		bytes[at + 1]++;
		assert_int_equal(
		    decode(&frame, bytes, at + 2), JP_ERR_TOO_LONG);
		assert_int_equal(decode(&frame, bytes, len), JP_ERR_TOO_LONG);
		bytes[at + 1]--;
		bytes[at] = 0xff;
		assert_int_equal(
		    decode(&frame, bytes, at + 2), JP_ERR_TOO_LONG);
		bytes[at] = JP_MUX_FIELD_MAX >> 8;
	}
}

static void
nul_bytes_and_a_sixth_text_are_refused(void **unused)
{
	static const char *const texts[] = { "alice", "secret", "imap", "a.org",
		"::1" };
	uint8_t bytes[JP_MUX_FRAME_MAX];
	struct jp_mux_frame frame;
	size_t len = build(bytes, texts, 5), at = 0;

	(void)unused;
	for (size_t i = 0; i < 5; i++) {
		uint8_t kept = bytes[at + 3];

		bytes[at + 3] = '\0';
		assert_int_equal(decode(&frame, bytes, len), JP_ERR_INVALID);
		assert_true(all_zero(&frame, sizeof(frame)));
		bytes[at + 3] = kept;
		at += 2 + strlen(texts[i]);
	}
	bytes[len] = 0;
	assert_int_equal(decode(&frame, bytes, len + 1), JP_ERR_TRAILING);
	assert_int_equal(decode(&frame, bytes, len), JP_ERR_OK);
}

static void
the_realm_becomes_part_of_the_name_as_configured(void **unused)
{
	static const struct {
		enum jp_realm realm;
		const char *user, *realm_text, *wanted; /* NULL: refused */
	} rows[] = {
		{ JP_REALM_KEEP, "alice", "", "alice" },
		{ JP_REALM_KEEP, "a", "", "a" },
		{ JP_REALM_KEEP, "alice", "jira", "alice@jira" },
		{ JP_REALM_KEEP, "alice@jira", "", "alice@jira" },
		{ JP_REALM_KEEP, "a@b", "c", "a@b@c" },
		{ JP_REALM_KEEP, "", "jira", NULL },
		{ JP_REALM_KEEP, "", "", NULL },
		{ JP_REALM_KEEP, "@jira", "", NULL },
		{ JP_REALM_STRIP, "alice", "", "alice" },
		{ JP_REALM_STRIP, "alice", "jira", "alice" },
		{ JP_REALM_STRIP, "alice@jira", "", "alice" },
		{ JP_REALM_STRIP, "a@b", "c", "a@b" },
		{ JP_REALM_STRIP, "", "jira", NULL },
		{ JP_REALM_STRIP, "@jira", "", NULL },
		{ JP_REALM_REQUIRE, "alice", "", NULL },
		{ JP_REALM_REQUIRE, "alice@", "", NULL },
		{ JP_REALM_REQUIRE, "alice", "jira", "alice@jira" },
		{ JP_REALM_REQUIRE, "alice@jira", "", "alice@jira" },
		{ JP_REALM_REQUIRE, "", "jira", NULL },
	};
	struct jp_request request;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum jp_err err = request_of(&request, rows[i].realm,
		    rows[i].user, "secret", "svn", rows[i].realm_text, NULL);

		if (rows[i].wanted == NULL) {
			assert_int_equal(err, JP_ERR_INVALID);
			assert_true(all_zero(&request, sizeof(request)));
			continue;
		}
		assert_int_equal(err, JP_ERR_OK);
		assert_string_equal(request.user, rows[i].wanted);
		assert_string_equal(request.token.text, "secret");
		assert_string_equal(request.service, "svn");
		assert_string_equal(request.rhost, "");
		assert_int_equal(request.front, JP_FRONT_MUX);
	}
}

static void
an_address_loses_its_port_and_other_text_stays(void **unused)
{
	static const struct {
		const char *address, *wanted;
	} rows[] = {
		{ "192.0.2.7;51234", "192.0.2.7" },
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8::7;993", "2001:db8::7" },
		{ "", "" },
		{ ";993", ";993" },
		{ "localhost;993", "localhost;993" },
		{ "192.0.2.7:993", "192.0.2.7" },
		{ "192.0.2.7 ;993", "192.0.2.7 ;993" },
		{ "0123456789012345678901234567890123456789012345678901234567"
		  "890123456789;1",
		    "01234567890123456789012345678901234567890123456789012345"
		    "67890123" },
	};
	struct jp_request request;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(request_of(&request, JP_REALM_KEEP, "alice",
		                     "secret", "imap", "", rows[i].address),
		    JP_ERR_OK);
		assert_string_equal(request.rhost, rows[i].wanted);
	}
}

static void
what_no_token_can_be_is_refused(void **unused)
{
	char longer[JP_SECRET_MAX + 2];
	struct jp_request request;

	(void)unused;
	assert_int_equal(
	    request_of(&request, JP_REALM_KEEP, "alice", "", "imap", "", NULL),
	    JP_ERR_INVALID);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(request_of(&request, JP_REALM_KEEP, "alice", longer,
	                     "imap", "", NULL),
	    JP_ERR_TOO_LONG);
	assert_true(all_zero(&request, sizeof(request)));
	assert_int_equal(request_of(&request, JP_REALM_KEEP, longer, "secret",
	                     "imap", "", NULL),
	    JP_ERR_TOO_LONG);
	assert_int_equal(request_of(&request, JP_REALM_KEEP, "alice", "secret",
	                     longer, "", NULL),
	    JP_ERR_TOO_LONG);
	assert_int_equal(request_of(&request, JP_REALM_KEEP, "alice", "secret",
	                     "imap", longer, NULL),
	    JP_ERR_TOO_LONG);
	assert_int_equal(request_of(&request, JP_REALM_STRIP, "alice", "secret",
	                     "imap", longer, NULL),
	    JP_ERR_OK);
	assert_string_equal(request.user, "alice");
}

static void
only_accept_is_ok(void **unused)
{
	uint8_t bytes[JP_MUX_REPLY_SIZE];

	(void)unused;
	jp_mux_reply(JP_ACCEPT, bytes);
	assert_memory_equal(bytes, "\0\2OK", 4);
	jp_mux_reply(JP_DENY, bytes);
	assert_memory_equal(bytes, "\0\2NO", 4);
	jp_mux_reply(JP_UNAVAILABLE, bytes);
	assert_memory_equal(bytes, "\0\2NO", 4);
}

static void
a_realm_has_three_names(void **unused)
{
	enum jp_realm realm;

	(void)unused;
	assert_int_equal(jp_realm_parse("keep", &realm), JP_ERR_OK);
	assert_int_equal(realm, JP_REALM_KEEP);
	assert_int_equal(jp_realm_parse("strip", &realm), JP_ERR_OK);
	assert_int_equal(realm, JP_REALM_STRIP);
	assert_int_equal(jp_realm_parse("require", &realm), JP_ERR_OK);
	assert_int_equal(realm, JP_REALM_REQUIRE);
	assert_int_equal(jp_realm_parse("", &realm), JP_ERR_INVALID);
	assert_int_equal(jp_realm_parse("Keep", &realm), JP_ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_comes_back_as_it_went),
		cmocka_unit_test(
		    every_beginning_waits_for_more_but_for_one_of_four_texts),
		cmocka_unit_test(
		    the_longest_texts_pass_and_longer_ones_are_refused_at_their_length),
		cmocka_unit_test(nul_bytes_and_a_sixth_text_are_refused),
		cmocka_unit_test(
		    the_realm_becomes_part_of_the_name_as_configured),
		cmocka_unit_test(
		    an_address_loses_its_port_and_other_text_stays),
		cmocka_unit_test(what_no_token_can_be_is_refused),
		cmocka_unit_test(only_accept_is_ok),
		cmocka_unit_test(a_realm_has_three_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
