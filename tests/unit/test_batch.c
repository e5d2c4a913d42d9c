/*
 * Records on their way from store to store: common/admin/batch.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/admin/batch.h"

static void
make(struct jp_moved *moved, unsigned int number)
{
	struct jp_record *record = &moved->record;

	memset(moved, 0, sizeof(*moved));
	(void)snprintf(record->id, sizeof(record->id), "%08u", number);
	(void)snprintf(record->user, sizeof(record->user), "user%u", number);
	record->expires_at = 1800000000;
	record->has_fast_tag = true;
	memset(record->fast_tag, 7, sizeof(record->fast_tag));
	memset(moved->pepper, 9, sizeof(moved->pepper));
}

static size_t
fill(uint8_t bytes[JP_BATCH_MAX], unsigned int *count)
{
	struct jp_moved moved;
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_BATCH_MAX);
	for (*count = 0;; (*count)++) {
		make(&moved, *count);
		if (jp_batch_put(&buf, &moved) != JP_ERR_OK)
			break;
	}
	assert_int_equal(buf.err, JP_ERR_OK);
	return buf.pos;
}

static void
what_is_put_is_got(void **state)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_moved wanted, got;
	struct jp_buf buf;
	unsigned int count;
	size_t len = fill(bytes, &count);

	(void)state;
	assert_true(count > 10);
	jp_buf_read(&buf, bytes, len);
	for (unsigned int i = 0; i < count; i++) {
		make(&wanted, i);
		assert_int_equal(jp_batch_get(&buf, &got), JP_ERR_OK);
		assert_memory_equal(&got, &wanted, sizeof(got));
	}
	assert_int_equal(jp_buf_end(&buf), JP_ERR_OK);
}

static void
a_batch_that_breaks_off_is_an_error(void **state)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_moved moved, got;
	struct jp_buf buf;
	size_t len;

	(void)state;
	make(&moved, 0);
	jp_buf_write(&buf, bytes, sizeof(bytes));
	assert_int_equal(jp_batch_put(&buf, &moved), JP_ERR_OK);
	len = buf.pos;
	for (size_t part = 1; part < len; part++) {
		jp_buf_read(&buf, bytes, part);
		assert_int_not_equal(jp_batch_get(&buf, &got), JP_ERR_OK);
	}
}

static void
the_largest_record_fits(void **state)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_moved moved;
	struct jp_record *record = &moved.record;
	struct jp_buf buf;

	(void)state;
	make(&moved, 1);
	memset(record->name, 'n', JP_NAME_MAX);
	memset(record->created_by, 'c', JP_ACTOR_MAX);
	memset(record->revoked_by, 'r', JP_ACTOR_MAX);
	memset(record->revoked_why, 'w', JP_NOTE_MAX);
	memset(record->phc, 'p', JP_PHC_MAX);
	record->use_len = JP_USES_MAX;
	for (size_t i = 0; i < JP_USES_MAX; i++) {
		memset(record->uses[i].rhost, 'h', JP_RHOST_MAX);
		memset(record->uses[i].service, 's', JP_SERVICE_MAX);
	}
	record->service_len = JP_SERVICES_MAX;
	for (size_t i = 0; i < JP_SERVICES_MAX; i++)
		memset(record->services[i], 's', JP_SERVICE_MAX);
	record->scope_len = JP_SCOPES_MAX;
	for (size_t i = 0; i < JP_SCOPES_MAX; i++)
		memset(record->scopes[i], 's', JP_SCOPE_MAX);
	record->net_len = JP_NETS_MAX;
	jp_buf_write(&buf, bytes, sizeof(bytes));
	assert_int_equal(jp_batch_put(&buf, &moved), JP_ERR_OK);
}

static void
an_imported_id_is_an_id_and_the_users_own(void **state)
{
	char one[JP_TOKEN_ID_LEN + 1], two[JP_TOKEN_ID_LEN + 1];

	(void)state;
	jp_imported_id("alice", one);
	assert_true(jp_token_id_valid(one));
	jp_imported_id("alice", two);
	assert_string_equal(one, two);
	jp_imported_id("alicf", two);
	assert_string_not_equal(one, two);
}

static void
a_user_of_a_batch_changed_at_a_time(void **state)
{
	static const struct {
		int64_t changed_at;
		enum jp_err err;
	} rows[] = { { 0, JP_ERR_OK }, { JP_WHEN_MAX, JP_ERR_OK },
		{ -1, JP_ERR_INVALID }, { JP_WHEN_MAX + 1, JP_ERR_INVALID },
		{ INT64_MIN, JP_ERR_INVALID }, { INT64_MAX, JP_ERR_INVALID } };
	static struct jp_user_change in, out;
	static uint8_t batch[JP_BATCH_MAX];
	struct jp_buf buf;

	(void)state;
	jp_user_default(&in.user, "alice");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in.user.changed_at = rows[i].changed_at;
		jp_buf_write(&buf, batch, sizeof(batch));
		assert_int_equal(jp_batch_put_user(&buf, &in), JP_ERR_OK);
		jp_buf_read(&buf, batch, buf.pos);
		assert_int_equal(jp_batch_get_user(&buf, &out), rows[i].err);
	}
}

static void
make_new(struct jp_new_token *token)
{
	struct jp_record *record = &token->record;

	memset(token, 0, sizeof(*token));
	strcpy(record->user, "alice");
	strcpy(record->name, "ci");
	record->scope_len = 2;
	strcpy(record->scopes[0], "read");
	strcpy(record->scopes[1], "write");
	record->service_len = 1;
	strcpy(record->services[0], "jira-*");
	record->net_len = 1;
	record->nets[0].prefix = 7;
	token->lifetime = JP_LIFETIME_UNTIL;
	token->expires_at = 1800000000;
	strcpy(record->parent, "0aZ9bY8c");
	strcpy(record->owner_group, "ci");
	record->uses_max = 7;
}

/* Where in such a row of `len` bytes: its lifetime, then its end. */
static size_t
lifetime_at(size_t len)
{
	return len - 4 - (2 + strlen("ci")) - (2 + JP_TOKEN_ID_LEN) - 8 - 1;
}

static void
what_is_asked_of_a_token_comes_back_and_cut_it_does_not(void **state)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_new_token in, out;
	struct jp_buf buf;
	size_t len;

	(void)state;
	make_new(&in);
	jp_buf_write(&buf, bytes, sizeof(bytes));
	assert_int_equal(jp_batch_put_new(&buf, &in), JP_ERR_OK);
	len = buf.pos;
	jp_buf_read(&buf, bytes, len);
	assert_int_equal(jp_batch_get_new(&buf, &out), JP_ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(jp_buf_end(&buf), JP_ERR_OK);
	for (size_t cut = 0; cut < len; cut++) {
		jp_buf_read(&buf, bytes, cut);
		assert_int_not_equal(jp_batch_get_new(&buf, &out), JP_ERR_OK);
	}
	bytes[lifetime_at(len)] = JP_LIFETIME_UNTIL + 1;
	jp_buf_read(&buf, bytes, len);
	assert_int_not_equal(jp_batch_get_new(&buf, &out), JP_ERR_OK);
	bytes[lifetime_at(len)] = JP_LIFETIME_UNTIL;
	bytes[lifetime_at(len) + 1] = 0x80; /* a time before 1970 */
	jp_buf_read(&buf, bytes, len);
	assert_int_equal(jp_batch_get_new(&buf, &out), JP_ERR_INVALID);
}

/* One that does not fit leaves the batch as it was. */
static void
a_full_batch_stays_as_it_is(void **state)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_new_token in, out;
	struct jp_buf buf;
	size_t count = 0, len;

	(void)state;
	make_new(&in);
	jp_buf_write(&buf, bytes, 3 * 80);
	while (jp_batch_put_new(&buf, &in) == JP_ERR_OK)
		count++;
	assert_in_range(count, 1, 3);
	assert_int_equal(buf.err, JP_ERR_OK);
	len = buf.pos;
	jp_buf_read(&buf, bytes, len);
	while (count-- > 0)
		assert_int_equal(jp_batch_get_new(&buf, &out), JP_ERR_OK);
	assert_int_equal(jp_buf_end(&buf), JP_ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(a_batch_that_breaks_off_is_an_error),
		cmocka_unit_test(the_largest_record_fits),
		cmocka_unit_test(an_imported_id_is_an_id_and_the_users_own),
		cmocka_unit_test(a_user_of_a_batch_changed_at_a_time),
		cmocka_unit_test(
		    what_is_asked_of_a_token_comes_back_and_cut_it_does_not),
		cmocka_unit_test(a_full_batch_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
