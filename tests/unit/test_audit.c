/*
 * The audit trail: its lines and their chain, its file, and what gets a line.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/audit/audit.h"
#include "common/audit/verify.h"
#include "common/audit/limit.h"

#define NOW INT64_C(1800000000)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define LINES_MAX 64

struct fixture {
	char dir[240];
	struct jp_settings settings;
	struct jp_pepper pepper;
	int64_t now;
	struct jp_clock clock;
	struct jp_audit *audit;
};

/* The lines of a file, and what is in them. */
struct lines {
	char *text;
	size_t len;
	char *at[LINES_MAX];
};

static int64_t
set_time(void *arg)
{
	return *(int64_t *)arg;
}

static int
set_up(void **state)
{
	static struct fixture fixture;
	const char *tmp = getenv("TMPDIR");

	memset(&fixture, 0, sizeof(fixture));
	(void)snprintf(fixture.dir, sizeof(fixture.dir), "%.200s/audit.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(fixture.dir) == NULL)
		return -1;
	jp_settings_default(&fixture.settings);
	(void)snprintf(fixture.settings.store_dir,
	    sizeof(fixture.settings.store_dir), "%s", fixture.dir);
	(void)snprintf(fixture.settings.audit_file,
	    sizeof(fixture.settings.audit_file), "%s/trail", fixture.dir);
	memset(fixture.pepper.key, 7, sizeof(fixture.pepper.key));
	fixture.now = NOW;
	fixture.clock = (struct jp_clock){ set_time, &fixture.now };
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;
	DIR *dir = opendir(fixture->dir);
	const struct dirent *entry;
	char path[512];

	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", fixture->dir, entry->d_name);
		(void)unlink(path);
	}
	(void)closedir(dir);
	return rmdir(fixture->dir);
}

static void
begin(struct fixture *fixture)
{
	assert_int_equal(jp_audit_make(&fixture->audit, &fixture->settings,
	                     &fixture->pepper, &fixture->clock),
	    JP_ERR_OK);
	assert_non_null(fixture->audit);
}

static void
end(struct fixture *fixture)
{
	jp_audit_close(fixture->audit);
	fixture->audit = NULL;
}

static const char *
path_of(const struct fixture *fixture, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	return path;
}

static void
read_lines(const struct fixture *fixture, const char *name, struct lines *lines)
{
	FILE *file = fopen(path_of(fixture, name), "r");
	size_t size = 0;

	memset(lines, 0, sizeof(*lines));
	assert_non_null(file);
	if (getdelim(&lines->text, &size, '\0', file) > 0) {
		char *rest = lines->text;

		assert_int_equal(rest[strlen(rest) - 1], '\n');
		while (lines->len < LINES_MAX &&
		       (lines->at[lines->len] = strsep(&rest, "\n")) != NULL &&
		       lines->at[lines->len][0] != '\0')
			lines->len++;
	}
	(void)fclose(file);
}

static void
check_begin(const struct fixture *fixture, struct jp_audit_check *check)
{
	struct jp_audit_key checkpoint_key;
	struct jp_why why;

	memset(check, 0, sizeof(*check));
	jp_audit_key_make(&fixture->pepper, &check->key);
	jp_audit_checkpoint_key_make(&fixture->pepper, &checkpoint_key);
	check->has_checkpoint =
	    jp_audit_checkpoint_read(path_of(fixture, "audit.head"),
	        &checkpoint_key, &check->checkpoint, &why) == JP_ERR_OK;
}

/* The number of the first line that is wrong, from 1; 0: none. */
static size_t
first_bad(const struct fixture *fixture, const struct lines *lines)
{
	struct jp_audit_check check;
	struct jp_why why = { .text = "" };

	check_begin(fixture, &check);
	for (size_t i = 0; i < lines->len; i++)
		if (jp_audit_check_line(&check, lines->at[i],
		        strlen(lines->at[i]), &why) != JP_ERR_OK)
			return i + 1;
	return jp_audit_check_end(&check, &why) == JP_ERR_OK ? 0
	                                                     : lines->len + 1;
}

/* A member of a line, as text. */
static const char *
member(const char *line, const char *key)
{
	static char text[1024];
	json_t *json = json_loads(line, 0, NULL), *value;

	assert_non_null(json);
	value = json_object_get(json, key);
	if (json_is_integer(value))
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)json_integer_value(value));
	else
		(void)snprintf(text, sizeof(text), "%s",
		    value != NULL ? json_string_value(value) : "");
	json_decref(json);
	return text;
}

static enum jp_err
act(struct fixture *fixture, const char *id, struct jp_why *why)
{
	struct jp_audit_event event = { .event = "create" };

	(void)jp_field_set(event.id, sizeof(event.id), id);
	return jp_audit_acts(fixture->audit, &event, 1, why);
}

static void
acts(struct fixture *fixture, size_t count)
{
	struct jp_why why;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(act(fixture, "AAAAAAAA", &why), JP_ERR_OK);
}

static enum jp_audit_answer
decided(struct fixture *fixture, enum jp_reason reason, const char *id,
    const char *address, uid_t peer)
{
	struct jp_request request = { .front = JP_FRONT_PAM };
	struct jp_decision decision = { .reason = reason,
		.verdict = jp_reason_verdict(reason) };

	(void)jp_field_set(request.user, sizeof(request.user), "bob");
	(void)jp_field_set(decision.user, sizeof(decision.user), "bob");
	(void)jp_field_set(request.rhost, sizeof(request.rhost), address);
	(void)jp_field_set(decision.id, sizeof(decision.id), id);
	return jp_audit_decision(
	    fixture->audit, &request, &decision, peer, NULL, NULL);
}

static void
accepted(struct fixture *fixture, const char *id, const char *address)
{
	assert_int_equal(
	    decided(fixture, JP_REASON_ACCEPTED, id, address, 33), JP_AUDIT_GO);
}

/* ---- the chain ---- */

static void
a_trail_that_nobody_touched_is_whole(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	acts(fixture, 5);
	end(fixture);
	begin(fixture); /* another process goes on */
	acts(fixture, 2);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 7);
	assert_int_equal(first_bad(fixture, &lines), 0);
	assert_string_equal(member(lines.at[6], "seq"), "7");
	assert_string_equal(
	    member(lines.at[6], "time"), "2027-01-15T08:00:00Z");
	free(lines.text);
}

static void
what_was_done_to_a_trail_shows_at_its_line(void **state)
{
	static const struct {
		size_t order[8]; /* lines that are left, from 1; 0: the end */
		size_t bad;
	} rows[] = {
		{ { 1, 2, 3, 4, 5 }, 0 },
		{ { 1, 3, 4, 5 }, 2 },       /* one is removed */
		{ { 1, 2, 4, 3, 5 }, 3 },    /* two changed places */
		{ { 1, 2, 2, 3, 4, 5 }, 3 }, /* one is there twice */
		{ { 1, 2, 3, 4 }, 5 },       /* the end is missing */
		{ { 1 }, 2 },                /* all but one */
		{ { 2, 3, 4, 5 }, 1 },       /* the beginning is */
		{ { 5, 1, 2, 3, 4 }, 1 },
	};
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	acts(fixture, 5);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct lines left = { .len = 0 };

		while (rows[i].order[left.len] != 0) {
			left.at[left.len] =
			    lines.at[rows[i].order[left.len] - 1];
			left.len++;
		}
		assert_int_equal(first_bad(fixture, &left), rows[i].bad);
	}
	free(lines.text);
}

static void
no_byte_of_a_line_can_be_changed(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;
	size_t len;

	begin(fixture);
	acts(fixture, 3);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	len = strlen(lines.at[1]);
	for (size_t i = 0; i < len; i++) {
		lines.at[1][i] ^= 1;
		assert_int_equal(first_bad(fixture, &lines), 2);
		lines.at[1][i] ^= 1;
	}
	assert_int_equal(first_bad(fixture, &lines), 0);
	fixture->pepper.key[0] ^= 1; /* the key is the pepper's */
	assert_int_equal(first_bad(fixture, &lines), 1);
	free(lines.text);
}

static void
the_mark_of_the_head_is_sealed(void **state)
{
	struct fixture *fixture = *state;
	struct jp_audit_link link = { .seq = 12 }, got;
	struct jp_audit_key key;
	char text[JP_AUDIT_CHECKPOINT_LEN + 1];

	jp_audit_checkpoint_key_make(&fixture->pepper, &key);
	memset(link.mac, 0xa5, sizeof(link.mac));
	jp_audit_checkpoint_put(&key, &link, text);
	assert_int_equal(strlen(text), JP_AUDIT_CHECKPOINT_LEN);
	assert_int_equal(
	    jp_audit_checkpoint_get(&key, text, JP_AUDIT_CHECKPOINT_LEN, &got),
	    JP_ERR_OK);
	assert_int_equal(got.seq, 12);
	assert_memory_equal(got.mac, link.mac, sizeof(got.mac));
	for (size_t i = 0; i < JP_AUDIT_CHECKPOINT_LEN; i++) {
		text[i] ^= 1;
		assert_int_equal(jp_audit_checkpoint_get(
		                     &key, text, JP_AUDIT_CHECKPOINT_LEN, &got),
		    JP_ERR_DAMAGED);
		assert_int_equal(got.seq, 0);
		text[i] ^= 1;
	}
	assert_int_equal(jp_audit_checkpoint_get(
	                     &key, text, JP_AUDIT_CHECKPOINT_LEN - 1, &got),
	    JP_ERR_DAMAGED);
}

/* ---- text ---- */

static void
text_of_users_stays_in_its_line(void **state)
{
	static const struct {
		const char *user, *told;
	} rows[] = {
		{ "a\nb", "a\nb" },
		{ "a\",\"event\":\"x", "a\",\"event\":\"x" },
		{ "\x1b[31m", "\x1b[31m" },
		{ "j\xc3\xbcrgen", "j\xc3\xbcrgen" },
		{ "\xff\xfe", "\\xff\\xfe" }, /* not UTF-8 */
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    "jpat_D4oBwk0S_***" },
	};
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_request request = { .front = JP_FRONT_PAM };
		struct jp_decision decision = { .reason = JP_REASON_SHAPE };

		(void)jp_field_set(
		    request.user, sizeof(request.user), rows[i].user);
		(void)jp_audit_decision(
		    fixture->audit, &request, &decision, 33, NULL, NULL);
	}
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, COUNT_OF(rows));
	assert_int_equal(first_bad(fixture, &lines), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_string_equal(member(lines.at[i], "user"), rows[i].told);
		assert_string_equal(member(lines.at[i], "event"), "deny");
		for (const char *c = lines.at[i]; *c != '\0'; c++)
			assert_in_range(*c, 0x20, 0x7e);
	}
	free(lines.text);
}

static void
the_longest_texts_fit(void **state)
{
	struct fixture *fixture = *state;
	struct jp_audit_event event = { .event = "revoke" };
	struct jp_why why;
	struct lines lines;

	memset(event.user, 0xff, sizeof(event.user) - 1);
	memset(event.actor, 1, sizeof(event.actor) - 1);
	memset(event.detail, 0xff, sizeof(event.detail) - 1);
	memset(event.service, 1, sizeof(event.service) - 1);
	memset(event.address, 1, sizeof(event.address) - 1);
	begin(fixture);
	assert_int_equal(
	    jp_audit_acts(fixture->audit, &event, 1, &why), JP_ERR_OK);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 1);
	assert_int_equal(first_bad(fixture, &lines), 0);
	assert_int_equal(strlen(member(lines.at[0], "user")), 4 * 255);
	free(lines.text);
}

/* ---- what gets a line ---- */

static void
an_acceptance_is_told_once_an_hour_for_each_token_and_address(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	for (int i = 0; i < 100; i++)
		accepted(fixture, "AAAAAAAA", "10.0.0.1");
	accepted(fixture, "AAAAAAAA", "10.0.0.2");
	accepted(fixture, "BBBBBBBB", "10.0.0.1");
	fixture->now = NOW + JP_AUDIT_FIRST_S - 1;
	accepted(fixture, "AAAAAAAA", "10.0.0.1");
	fixture->now = NOW + JP_AUDIT_FIRST_S;
	accepted(fixture, "AAAAAAAA", "10.0.0.1");
	fixture->now = NOW; /* a clock that was set back hides nothing */
	accepted(fixture, "AAAAAAAA", "10.0.0.1");
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 5);
	assert_string_equal(member(lines.at[1], "address"), "10.0.0.2");
	assert_string_equal(member(lines.at[2], "id"), "BBBBBBBB");
	assert_string_equal(member(lines.at[3], "event"), "accept");
	free(lines.text);
}

static void
all_and_none_mean_what_they_say(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	fixture->settings.audit_accept = JP_AUDIT_ACCEPT_ALL;
	begin(fixture);
	for (int i = 0; i < 3; i++)
		accepted(fixture, "AAAAAAAA", "10.0.0.1");
	end(fixture);
	fixture->settings.audit_accept = JP_AUDIT_ACCEPT_NONE;
	begin(fixture);
	accepted(fixture, "AAAAAAAA", "10.0.0.1");
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 3);
	free(lines.text);
}

static void
every_reason_has_its_event(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;
	size_t at = 0;

	begin(fixture);
	for (int i = 0; i < JP_REASON_COUNT; i++)
		(void)decided(fixture, (enum jp_reason)i, "AAAAAAAA", "", 33);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(first_bad(fixture, &lines), 0);
	for (int i = 0; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;
		const char *events[] = { [JP_DENY] = "deny",
			[JP_UNAVAILABLE] = "unavailable",
			[JP_ACCEPT] = "accept" };

		if (reason == JP_REASON_AUDIT) /* it could not be written */
			continue;
		if (reason == JP_REASON_ACCOUNT) /* nobody came in by it */
			continue;
		assert_string_equal(
		    member(lines.at[at], "reason"), jp_reason_name(reason));
		assert_string_equal(member(lines.at[at], "event"),
		    reason == JP_REASON_SUPERSEDED
		        ? "reuse"
		        : events[jp_reason_verdict(reason)]);
		at++;
	}
	assert_int_equal(at, lines.len);
	free(lines.text);
}

static void
a_flood_is_some_lines_and_one_with_the_rest(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	for (int i = 0; i < 1000; i++)
		(void)decided(fixture, JP_REASON_CRC, "", "10.0.0.1", 33);
	/* Another peer and another reason are not drowned. */
	(void)decided(fixture, JP_REASON_CRC, "", "10.0.0.1", 34);
	(void)decided(fixture, JP_REASON_EXPIRED, "", "10.0.0.1", 33);
	fixture->now = NOW + JP_FLOOD_S;
	(void)decided(fixture, JP_REASON_CRC, "", "10.0.0.1", 33);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, JP_FLOOD_MAX + 4);
	assert_string_equal(member(lines.at[JP_FLOOD_MAX + 2], "count"), "990");
	assert_string_equal(
	    member(lines.at[JP_FLOOD_MAX + 2], "reason"), "crc");
	assert_string_equal(member(lines.at[JP_FLOOD_MAX + 2], "peer"), "33");
	assert_string_equal(member(lines.at[JP_FLOOD_MAX + 3], "count"), "");
	free(lines.text);
}

static void
no_denial_is_lost_in_a_flood_from_everywhere(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;
	uint64_t told = 0;

	begin(fixture);
	for (int round = 0; round < 15; round++)
		for (uid_t peer = 0; peer < 3; peer++)
			(void)decided(
			    fixture, JP_REASON_CRC, "", "10.0.0.1", peer);
	end(fixture); /* what was held is told at the end */
	read_lines(fixture, "trail", &lines);
	for (size_t i = 0; i < lines.len; i++) {
		uint64_t count =
		    strtoull(member(lines.at[i], "count"), NULL, 10);

		told += count != 0 ? count : 1;
	}
	assert_int_equal(told, 15 * 3);
	assert_int_equal(lines.len, 3 * (JP_FLOOD_MAX + 1));
	free(lines.text);
}

/* More pairs than there are places: each is told or held, whoever comes. */
static void
a_full_table_hides_nothing(void **state)
{
	static struct jp_audit_limit limit;
	struct jp_flood ended;
	uint64_t told = 0;

	(void)state;
	memset(&limit, 0, sizeof(limit));
	for (uid_t peer = 0; peer < 3 * JP_FLOODS; peer++)
		for (int i = 0; i < 20; i++) {
			told += jp_flood_passes(
			    &limit.floods, peer, JP_REASON_CRC, NOW, &ended);
			told += ended.held;
		}
	while (jp_flood_next(&limit.floods, NOW, true, &ended))
		told += ended.held;
	assert_int_equal(told, 3 * JP_FLOODS * 20);
	assert_false(jp_flood_holds(&limit.floods));
	for (uint32_t i = 0; i < 4 * JP_AUDIT_FIRSTS; i++) {
		char id[JP_TOKEN_ID_LEN + 1];

		(void)snprintf(id, sizeof(id), "%08u", (unsigned int)i);
		assert_true(jp_audit_is_first(&limit, id, "::1", NOW));
		assert_false(jp_audit_is_first(&limit, id, "::1", NOW));
	}
}

/* ---- the file ---- */

static void
rotation_keeps_the_chain(void **state)
{
	struct fixture *fixture = *state;
	struct jp_audit_check check;
	struct jp_why why = { .text = "" };
	struct lines lines;
	char old[512];

	begin(fixture);
	acts(fixture, 3);
	(void)snprintf(old, sizeof(old), "%s", path_of(fixture, "trail.1"));
	assert_int_equal(rename(path_of(fixture, "trail"), old), 0);
	acts(fixture, 2);
	end(fixture);
	check_begin(fixture, &check);
	for (int i = 1; i >= 0; i--) {
		read_lines(fixture, i == 1 ? "trail.1" : "trail", &lines);
		assert_int_equal(lines.len, 2 + (size_t)i);
		for (size_t j = 0; j < lines.len; j++)
			assert_int_equal(
			    jp_audit_check_line(
			        &check, lines.at[j], strlen(lines.at[j]), &why),
			    JP_ERR_OK);
		free(lines.text);
	}
	assert_int_equal(jp_audit_check_end(&check, &why), JP_ERR_OK);
	assert_int_equal(check.lines, 5);
	/* Without the old file the new one can be checked, too. */
	read_lines(fixture, "trail", &lines);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

/* As logrotate's `create` does. */
static void
a_new_file_under_the_name_is_used_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;
	char old[512];

	begin(fixture);
	acts(fixture, 3);
	(void)snprintf(old, sizeof(old), "%s", path_of(fixture, "trail.1"));
	assert_int_equal(rename(path_of(fixture, "trail"), old), 0);
	assert_int_equal(
	    close(open(path_of(fixture, "trail"), O_CREAT | O_WRONLY, 0600)),
	    0);
	acts(fixture, 2);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 2);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

static void
a_file_that_was_emptied_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	acts(fixture, 3);
	assert_int_equal(truncate(path_of(fixture, "trail"), 0), 0);
	acts(fixture, 2);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 2);
	assert_string_equal(member(lines.at[0], "seq"), "4");
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

static void
append_text(const struct fixture *fixture, const char *text)
{
	FILE *file = fopen(path_of(fixture, "trail"), "a");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

/* Lines first, then the mark: so died a process between the two. */
static void
a_crash_at_any_place_leaves_a_whole_trail(void **state)
{
	struct fixture *fixture = *state;
	char head[JP_AUDIT_CHECKPOINT_LEN + 1] = "";
	struct lines lines;
	FILE *file;

	begin(fixture);
	acts(fixture, 2);
	file = fopen(path_of(fixture, "audit.head"), "r+");
	assert_int_equal(
	    fread(head, 1, sizeof(head), file), JP_AUDIT_CHECKPOINT_LEN);
	acts(fixture, 1);
	end(fixture);
	rewind(file);
	assert_int_equal(fwrite(head, 1, JP_AUDIT_CHECKPOINT_LEN, file),
	    JP_AUDIT_CHECKPOINT_LEN);
	assert_int_equal(fclose(file), 0);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
	append_text(fixture, "{\"seq\":4,\"time\":\"20");
	begin(fixture);
	acts(fixture, 1);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 4);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

static void
half_a_first_line_is_removed_as_well(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	append_text(fixture, "{\"seq\":1,\"pr");
	begin(fixture);
	acts(fixture, 1);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 1);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

static void
a_line_that_was_cut_off_is_missed_after_more_lines(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	acts(fixture, 3);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(
	    truncate(path_of(fixture, "trail"), (off_t)strlen(lines.at[0]) + 1),
	    0);
	free(lines.text);
	begin(fixture);
	acts(fixture, 3);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 4);
	assert_int_equal(first_bad(fixture, &lines), 2);
	free(lines.text);
}

static void
a_file_of_somebody_else_is_left_alone(void **state)
{
	static const char *const texts[] = { "root:x:0:0\n", "no newline",
		"{\"seq\":1}\n" };
	struct fixture *fixture = *state;
	struct jp_why why = { .text = "" };
	struct stat st;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		append_text(fixture, texts[i]);
		begin(fixture);
		assert_int_equal(
		    jp_audit_ready(fixture->audit, &why), JP_ERR_CONFIG);
		end(fixture);
		assert_int_equal(stat(path_of(fixture, "trail"), &st), 0);
		assert_int_equal(st.st_size, strlen(texts[i]));
		assert_int_equal(unlink(path_of(fixture, "trail")), 0);
	}
	assert_int_equal(mkfifo(path_of(fixture, "trail"), 0600), 0);
	begin(fixture);
	assert_int_equal(jp_audit_ready(fixture->audit, &why), JP_ERR_CONFIG);
	end(fixture);
}

/* ---- a disk that fails ---- */

static bool disk_full, disk_short;

static ssize_t
failing_write(int fd, const void *bytes, size_t len)
{
	if (disk_full) {
		errno = ENOSPC;
		return -1;
	}
	return write(fd, bytes, disk_short ? len / 2 : len);
}

static void
begin_failing(struct fixture *fixture, bool required)
{
	fixture->settings.audit_required = required;
	begin(fixture);
	jp_audit_file(fixture->audit)->write = failing_write;
	acts(fixture, 1);
}

static void
without_audit_required_work_goes_on_and_the_gap_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	disk_full = disk_short = false;
	begin_failing(fixture, false);
	disk_full = true;
	acts(fixture, 3);
	accepted(fixture, "AAAAAAAA", "10.0.0.1");
	disk_full = false;
	disk_short = true; /* half of it arrives, and goes again */
	acts(fixture, 1);
	disk_short = false;
	accepted(fixture, "AAAAAAAA", "10.0.0.1"); /* it was not told before */
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(first_bad(fixture, &lines), 0);
	assert_int_equal(lines.len, 3);
	assert_string_equal(member(lines.at[1], "event"), "lost");
	assert_string_equal(member(lines.at[1], "count"), "5");
	assert_string_equal(member(lines.at[2], "event"), "accept");
	free(lines.text);
}

static void
with_audit_required_nothing_is_done_untold(void **state)
{
	static const enum jp_reason reasons[] = { JP_REASON_ACCEPTED,
		JP_REASON_EXPIRED };
	struct fixture *fixture = *state;
	struct jp_why why = { .text = "" };
	struct lines lines;

	disk_full = disk_short = false;
	begin_failing(fixture, true);
	disk_full = true;
	assert_int_equal(act(fixture, "AAAAAAAA", &why), JP_ERR_DISK_FULL);
	assert_non_null(strstr(why.text, "nothing was done"));
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < COUNT_OF(reasons); i++)
			assert_int_equal(decided(fixture, reasons[i],
			                     "AAAAAAAA", "10.0.0.1", 33),
			    JP_AUDIT_FAIL);
	disk_full = false;
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		assert_int_equal(
		    decided(fixture, reasons[i], "AAAAAAAA", "10.0.0.1", 33),
		    JP_AUDIT_GO);
	acts(fixture, 1);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(first_bad(fixture, &lines), 0);
	assert_int_equal(lines.len, 5);
	assert_string_equal(member(lines.at[1], "event"), "lost");
	assert_string_equal(member(lines.at[2], "event"), "accept");
	free(lines.text);
}

/* ---- the thread ---- */

struct told {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int good, bad;
};

static void
on_told(void *arg, enum jp_err err)
{
	struct told *told = arg;

	pthread_mutex_lock(&told->mutex);
	if (err == JP_ERR_OK)
		told->good++;
	else
		told->bad++;
	pthread_cond_signal(&told->changed);
	pthread_mutex_unlock(&told->mutex);
}

static void
wait_told(struct told *told, int count)
{
	pthread_mutex_lock(&told->mutex);
	while (told->good + told->bad < count)
		pthread_cond_wait(&told->changed, &told->mutex);
	pthread_mutex_unlock(&told->mutex);
}

static void
ask(struct fixture *fixture, struct told *told)
{
	const struct jp_request request = { .front = JP_FRONT_PAM };
	const struct jp_decision decision = { .reason = JP_REASON_ACCEPTED,
		.verdict = JP_ACCEPT };

	assert_int_equal(jp_audit_decision(fixture->audit, &request, &decision,
	                     33, on_told, told),
	    JP_AUDIT_WAIT);
}

static void
a_thread_writes_before_it_says_so(void **state)
{
	struct told told = { PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_COND_INITIALIZER, 0, 0 };
	struct fixture *fixture = *state;
	struct lines lines;

	disk_full = disk_short = false;
	fixture->settings.audit_accept = JP_AUDIT_ACCEPT_ALL;
	begin_failing(fixture, true);
	assert_int_equal(jp_audit_start(fixture->audit), JP_ERR_OK);
	assert_true(jp_audit_waits(fixture->audit));
	for (int i = 0; i < 50; i++)
		ask(fixture, &told);
	acts(fixture, 1);
	wait_told(&told, 50);
	assert_int_equal(told.good, 50);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 52);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
	disk_full = true;
	ask(fixture, &told);
	wait_told(&told, 51);
	assert_int_equal(told.bad, 1);
	end(fixture);
}

static void
what_waits_is_written_at_the_end(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines;

	begin(fixture);
	assert_int_equal(jp_audit_start(fixture->audit), JP_ERR_OK);
	assert_false(jp_audit_waits(fixture->audit));
	acts(fixture, 40);
	for (int i = 0; i < 15; i++)
		(void)decided(fixture, JP_REASON_CRC, "", "", 33);
	end(fixture);
	read_lines(fixture, "trail", &lines);
	assert_int_equal(lines.len, 40 + JP_FLOOD_MAX + 1);
	assert_int_equal(first_bad(fixture, &lines), 0);
	free(lines.text);
}

static void
no_trail_is_no_hindrance(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why = { .text = "" };

	fixture->settings.audit_file[0] = '\0';
	assert_int_equal(jp_audit_make(&fixture->audit, &fixture->settings,
	                     &fixture->pepper, &fixture->clock),
	    JP_ERR_OK);
	assert_null(fixture->audit);
	assert_int_equal(jp_audit_ready(NULL, &why), JP_ERR_OK);
	assert_int_equal(jp_audit_start(NULL), JP_ERR_OK);
	assert_int_equal(act(fixture, "AAAAAAAA", &why), JP_ERR_OK);
	accepted(fixture, "AAAAAAAA", "");
	jp_audit_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_trail_that_nobody_touched_is_whole),
		TEST(what_was_done_to_a_trail_shows_at_its_line),
		TEST(no_byte_of_a_line_can_be_changed),
		TEST(the_mark_of_the_head_is_sealed),
		TEST(text_of_users_stays_in_its_line),
		TEST(the_longest_texts_fit),
		TEST(
		    an_acceptance_is_told_once_an_hour_for_each_token_and_address),
		TEST(all_and_none_mean_what_they_say),
		TEST(every_reason_has_its_event),
		TEST(a_flood_is_some_lines_and_one_with_the_rest),
		TEST(no_denial_is_lost_in_a_flood_from_everywhere),
		TEST(a_full_table_hides_nothing),
		TEST(rotation_keeps_the_chain),
		TEST(a_new_file_under_the_name_is_used_at_once),
		TEST(a_file_that_was_emptied_goes_on),
		TEST(a_crash_at_any_place_leaves_a_whole_trail),
		TEST(half_a_first_line_is_removed_as_well),
		TEST(a_line_that_was_cut_off_is_missed_after_more_lines),
		TEST(a_file_of_somebody_else_is_left_alone),
		TEST(without_audit_required_work_goes_on_and_the_gap_is_told),
		TEST(with_audit_required_nothing_is_done_untold),
		TEST(a_thread_writes_before_it_says_so),
		TEST(what_waits_is_written_at_the_end),
		TEST(no_trail_is_no_hindrance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
