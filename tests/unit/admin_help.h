/*
 * Operations of administrators over a core in memory, for tests: what is asked,
 * who asks, and what came of it. All that may not fail here ends the test.
 */
#ifndef TESTS_UNIT_ADMIN_HELP_H
#define TESTS_UNIT_ADMIN_HELP_H

#include "common/admin/admin.h"
#include "common/admin/batch.h"
#include "tests/unit/core_help.h"

#define ADMIN_NOW INT64_C(1800000000)
#define ADMIN_DAY INT64_C(86400)

enum {
	ADMIN_ITEMS_MAX = 400,
};

struct admin_fixture {
	struct jp_core core;
	int64_t now;
	const char *actor;
	struct jp_admin_request request;
	struct jp_why why;
	size_t len; /* of the items of the last operation */
	struct jp_admin_item items[ADMIN_ITEMS_MAX];
	size_t emit_fails; /* at this item; 0: never */
	struct jp_buf buf; /* writes into the batch, which begin empties */
	uint8_t batch[JP_BATCH_MAX];
};

/*
 * For cmocka: a fixture with no limit on tokens for each user. It goes with
 * core_help_tear_down().
 */
int admin_set_up(void **state);

/* A new request, of an administrator: about `user`, or about the token `id`. */
void admin_wish(struct admin_fixture *fixture, const char *user);
void admin_wish_id(struct admin_fixture *fixture, const char *id);

/* Runs it; `why` has a line if it fails. */
enum jp_err admin_run(struct admin_fixture *fixture, enum jp_admin_op op);

/* Runs it as self-service of `owner` does. */
enum jp_err admin_run_as(
    struct admin_fixture *fixture, const char *owner, enum jp_admin_op op);

/* It fails with that error and that refusal. */
#define admin_refused(fixture, op, err, refused)                               \
	do {                                                                   \
		assert_int_equal(admin_run(fixture, op), err);                 \
		assert_string_equal(jp_refusal_id((fixture)->why.refusal),     \
		    jp_refusal_id(refused));                                   \
		assert_string_not_equal((fixture)->why.text, "");              \
	} while (0)

/* Makes a token as wished; its id goes to `id`. */
void admin_create(struct admin_fixture *fixture, char id[JP_TOKEN_ID_LEN + 1]);

/* The stored record; and the state for people, as `show` has it. */
void admin_read(
    struct admin_fixture *fixture, const char *id, struct jp_record *record);
enum jp_state admin_state(struct admin_fixture *fixture, const char *id);

/* Replaces the stored record. */
void admin_write(struct admin_fixture *fixture, const struct jp_record *record);

/* What the decision says of the token; nothing is spent. */
enum jp_reason admin_test(struct admin_fixture *fixture, const char *user,
    const struct jp_secret *token);

/* How many records there are. */
uint64_t admin_records(struct admin_fixture *fixture);

/* Puts `user` into `group`. */
void
admin_join(struct admin_fixture *fixture, const char *user, const char *group);

#endif
