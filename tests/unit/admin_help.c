#include "tests/unit/admin_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/open.h"
#include "tests/unit/core_help.h"

int
admin_set_up(void **state)
{
	struct admin_fixture *fixture =
	    core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	fixture->now = ADMIN_NOW;
	fixture->actor = "root";
	core_help_settings(&settings);
	settings.policy.max_per_user = 0;
	core_help_open(&fixture->core, &settings, &fixture->now);
	return 0;
}

void
admin_wish(struct admin_fixture *fixture, const char *user)
{
	char kept[JP_USER_MAX + 1];

	assert_int_equal(jp_field_set(kept, sizeof(kept), user), JP_ERR_OK);
	memset(&fixture->request, 0, sizeof(fixture->request));
	memcpy(fixture->request.record.user, kept, sizeof(kept));
	jp_buf_write(&fixture->buf, fixture->batch, sizeof(fixture->batch));
}

void
admin_wish_id(struct admin_fixture *fixture, const char *id)
{
	char kept[JP_TOKEN_ID_LEN + 1];

	assert_int_equal(jp_field_set(kept, sizeof(kept), id), JP_ERR_OK);
	admin_wish(fixture, "");
	memcpy(fixture->request.record.id, kept, sizeof(kept));
}

/* Nothing that proves a secret leaves the store, but for another store. */
static void
assert_no_proof(const struct jp_admin_item *item)
{
	static const uint8_t no_tag[JP_FAST_TAG_LEN];

	if (item->kind == JP_ITEM_MOVED)
		return;
	assert_string_equal(item->record.phc, "");
	assert_memory_equal(item->record.fast_tag, no_tag, sizeof(no_tag));
	assert_memory_equal(item->record.claim_tag, no_tag, sizeof(no_tag));
	assert_int_equal(
	    item->kind == JP_ITEM_TOKEN || item->kind == JP_ITEM_LINK,
	    item->token.len > 0);
}

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct admin_fixture *fixture = arg;

	assert_no_proof(item);
	assert_true(fixture->len < ADMIN_ITEMS_MAX);
	fixture->items[fixture->len++] = *item;
	return fixture->len == fixture->emit_fails ? JP_ERR_UNREACHABLE
	                                           : JP_ERR_OK;
}

enum jp_err
admin_run(struct admin_fixture *fixture, enum jp_admin_op op)
{
	enum jp_err err;

	fixture->request.op = op;
	fixture->request.batch = fixture->batch;
	fixture->request.batch_len = fixture->buf.pos;
	fixture->len = 0;
	err = jp_admin_execute(&fixture->core, fixture->actor,
	    &fixture->request, take, fixture, &fixture->why);
	if (err != JP_ERR_OK && fixture->emit_fails == 0)
		assert_string_not_equal(fixture->why.text, "");
	return err;
}

enum jp_err
admin_run_as(
    struct admin_fixture *fixture, const char *owner, enum jp_admin_op op)
{
	fixture->request.owner = owner;
	return admin_run(fixture, op);
}

void
admin_create(struct admin_fixture *fixture, char id[JP_TOKEN_ID_LEN + 1])
{
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	memcpy(id, fixture->items[0].record.id, JP_TOKEN_ID_LEN + 1);
}

void
admin_read(
    struct admin_fixture *fixture, const char *id, struct jp_record *record)
{
	assert_int_equal(
	    jp_store_get(fixture->core.store, id, record), JP_ERR_OK);
}

enum jp_state
admin_state(struct admin_fixture *fixture, const char *id)
{
	admin_wish_id(fixture, id);
	assert_int_equal(admin_run(fixture, JP_ADMIN_SHOW), JP_ERR_OK);
	return fixture->items[0].state;
}

void
admin_write(struct admin_fixture *fixture, const struct jp_record *record)
{
	core_help_commit(&fixture->core, JP_CHANGE_REPLACE, record);
}

enum jp_reason
admin_test(struct admin_fixture *fixture, const char *user,
    const struct jp_secret *token)
{
	struct jp_secret kept = *token;

	admin_wish(fixture, "");
	assert_int_equal(jp_field_set(fixture->request.question.user,
	                     sizeof(fixture->request.question.user), user),
	    JP_ERR_OK);
	fixture->request.question.token = kept;
	assert_int_equal(admin_run(fixture, JP_ADMIN_TEST), JP_ERR_OK);
	return fixture->items[0].reason;
}

uint64_t
admin_records(struct admin_fixture *fixture)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	return info.records;
}

void
admin_join(struct admin_fixture *fixture, const char *user, const char *group)
{
	struct jp_user record;
	struct jp_why why;

	assert_int_equal(
	    jp_store_user(fixture->core.store, user, &record), JP_ERR_OK);
	assert_int_equal(jp_user_add_group(&record, group, &why), JP_ERR_OK);
	record.changed_at = ADMIN_NOW;
	assert_int_equal(
	    jp_store_put_users(fixture->core.store, &record, 1), JP_ERR_OK);
}
