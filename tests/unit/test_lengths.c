/*
 * Every parser of bytes from outside, and the length that comes with them: a
 * page that nobody may read lies behind the message, so that one byte too many
 * ends the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/admin/wire.h"
#include "common/audit/line.h"
#include "common/admin/batch.h"
#include "common/wire/sasl_bearer.h"
#include "common/wire/saslauthd.h"
#include "common/base/text.h"
#include "common/record/user.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static enum jp_err
parse_passwd(const uint8_t *bytes, size_t len)
{
	struct jp_secret secret;

	return jp_passwd_set(&secret, (const char *)bytes, len);
}

static enum jp_err
parse_secret(const uint8_t *bytes, size_t len)
{
	struct jp_secret secret;

	return jp_secret_set(&secret, (const char *)bytes, len);
}

static enum jp_err
parse_name(const uint8_t *bytes, size_t len)
{
	char name[JP_USER_MAX + 1];

	return jp_name_set(name, sizeof(name), (const char *)bytes, len);
}

static enum jp_err
parse_plain(const uint8_t *bytes, size_t len)
{
	struct jp_login login;

	return jp_plain_parse((const char *)bytes, len, &login);
}

static enum jp_err
parse_oauthbearer(const uint8_t *bytes, size_t len)
{
	struct jp_login login;

	return jp_oauthbearer_parse((const char *)bytes, len, &login);
}

static enum jp_err
parse_xoauth2(const uint8_t *bytes, size_t len)
{
	struct jp_login login;

	return jp_xoauth2_parse((const char *)bytes, len, &login);
}

static enum jp_err
parse_mux(const uint8_t *bytes, size_t len)
{
	struct jp_mux_frame frame;

	return jp_mux_decode(&frame, bytes, len);
}

static enum jp_err
parse_request(const uint8_t *bytes, size_t len)
{
	struct jp_request request;

	return jp_request_decode(&request, bytes, len);
}

static enum jp_err
parse_reply(const uint8_t *bytes, size_t len)
{
	struct jp_reply reply;

	return jp_reply_decode(&reply, bytes, len);
}

static enum jp_err
parse_admin_request(const uint8_t *bytes, size_t len)
{
	static struct jp_admin_request request;
	struct jp_why why;

	return jp_admin_request_decode(&request, bytes, len, &why);
}

static enum jp_err
parse_admin_answer(const uint8_t *bytes, size_t len)
{
	static struct jp_admin_item item;
	enum jp_err result;
	struct jp_why why;
	bool end;

	return jp_admin_answer_decode(bytes, len, &end, &item, &result, &why);
}

static enum jp_err
parse_record(const uint8_t *bytes, size_t len)
{
	struct jp_record record;

	return jp_record_decode(&record, bytes, len);
}

static enum jp_err
peek_record(const uint8_t *bytes, size_t len)
{
	const char *user;
	size_t user_len;
	int64_t expires_at;

	return jp_record_peek(bytes, len, &user, &user_len, &expires_at);
}

static enum jp_err
parse_user(const uint8_t *bytes, size_t len)
{
	struct jp_user user;

	return jp_user_decode(&user, bytes, len);
}

static enum jp_err
parse_audit_line(const uint8_t *bytes, size_t len)
{
	struct jp_audit_line line;

	return jp_audit_line_split((const char *)bytes, len, &line);
}

static enum jp_err
parse_audit_head(const uint8_t *bytes, size_t len)
{
	static const struct jp_audit_key key;
	struct jp_audit_link link;

	return jp_audit_checkpoint_get(&key, (const char *)bytes, len, &link);
}

static enum jp_err
parse_token(const uint8_t *bytes, size_t len)
{
	struct jp_token token;

	return jp_token_parse((const char *)bytes, len, &token);
}

static const struct parser {
	const char *name;
	enum jp_err (*parse)(const uint8_t *bytes, size_t len);
	size_t max; /* bytes of the longest that it reads */
	const char *head;
} parsers[] = {
	{ "passwd", parse_passwd, JP_SECRET_MAX, "" },
	{ "secret", parse_secret, JP_SECRET_MAX, "" },
	{ "name", parse_name, JP_USER_MAX, "" },
	{ "PLAIN", parse_plain, JP_PLAIN_MAX, "" },
	{ "OAUTHBEARER", parse_oauthbearer, JP_BEARER_MAX, "n,a=x" },
	{ "XOAUTH2", parse_xoauth2, JP_BEARER_MAX, "user=x" },
	{ "mux", parse_mux, JP_MUX_FRAME_MAX, "" },
	{ "request", parse_request, JP_REQUEST_MAX, "JPV1" },
	{ "detailed request", parse_request, JP_REQUEST_MAX, "JPV2" },
	{ "reply", parse_reply, JP_REPLY_MAX, "JPV1" },
	{ "detailed reply", parse_reply, JP_REPLY_MAX, "JPV2" },
	{ "admin request", parse_admin_request, JP_ADMIN_MSG_MAX, "JPA4" },
	{ "admin answer", parse_admin_answer, JP_ADMIN_MSG_MAX, "JPA4" },
	{ "record", parse_record, JP_RECORD_MAX, "\2abcdefgh" },
	{ "record, its head", peek_record, JP_RECORD_MAX, "\2abcdefgh" },
	{ "user", parse_user, JP_USER_RECORD_MAX, "\1" },
	{ "audit line", parse_audit_line, JP_AUDIT_LINE_MAX - 1, "{\"seq\":1" },
	{ "audit head", parse_audit_head, JP_AUDIT_CHECKPOINT_LEN, "jpah1 " },
	{ "token", parse_token, 67, "jpat_abcdefgh_" },
};

/* Where the readable bytes end; JP_ADMIN_MSG_MAX of them lie before. */
static uint8_t *
make_guard(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (JP_ADMIN_MSG_MAX / page + 1) * page;
	uint8_t *bytes = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(bytes != MAP_FAILED);
	assert_int_equal(mprotect(bytes + room, page, PROT_NONE), 0);
	return bytes + room;
}

static void
a_length_that_no_message_has_is_refused_unread(void **state)
{
	const uint8_t *end = *state;

	for (size_t i = 0; i < COUNT_OF(parsers); i++) {
		const struct parser *parser = &parsers[i];
		const size_t lengths[] = { parser->max + 1, parser->max + 4096,
			INT32_MAX, UINT32_MAX, SIZE_MAX / 2 + 1, SIZE_MAX };

		print_message("# %s\n", parser->name);
		for (size_t j = 0; j < COUNT_OF(lengths); j++)
			assert_int_not_equal(
			    parser->parse(end, lengths[j]), JP_ERR_OK);
	}
}

/* Bytes of three kinds, for each length; the message ends where memory does. */
static void
no_byte_behind_a_message_is_read(void **state)
{
	uint8_t *end = *state;

	for (size_t i = 0; i < COUNT_OF(parsers); i++) {
		const struct parser *parser = &parsers[i];
		size_t head =
		    parser->head[0] != '\0' ? strlen(parser->head) : 0;

		print_message("# %s\n", parser->name);
		for (size_t len = 0; len <= parser->max; len++) {
			uint8_t *at = end - len;

			memset(
			    at, len % 3 == 0 ? 'a' : (int)(len % 3) - 1, len);
			memcpy(at, parser->head, head < len ? head : len);
			(void)parser->parse(at, len);
		}
	}
}

/* A batch lies in a message: what it says of its record may not be so. */
static void
a_batch_ends_where_its_message_does(void **state)
{
	static struct jp_moved moved;
	uint8_t *at = (uint8_t *)*state - JP_PEPPER_NAME_LEN - 2;
	struct jp_buf buf;

	memset(at, 0, JP_PEPPER_NAME_LEN);
	for (unsigned int len = 0; len <= UINT16_MAX; len++) {
		at[JP_PEPPER_NAME_LEN] = (uint8_t)(len >> 8);
		at[JP_PEPPER_NAME_LEN + 1] = (uint8_t)len;
		jp_buf_read(&buf, at, JP_PEPPER_NAME_LEN + 2);
		assert_int_not_equal(jp_batch_get(&buf, &moved), JP_ERR_OK);
	}
}

static int
set_up(void **state)
{
	*state = make_guard();
	return sodium_init() < 0 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    a_length_that_no_message_has_is_refused_unread, set_up),
		cmocka_unit_test_setup(
		    no_byte_behind_a_message_is_read, set_up),
		cmocka_unit_test_setup(
		    a_batch_ends_where_its_message_does, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
