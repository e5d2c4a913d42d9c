/*
 * Jira's tokens in JSON: pat_httpd/self/rest_json.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/token_number.h"
#include "pat_httpd/self/rest_json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1801353600) /* 2027-01-31T00:00:00Z */
#define DAY INT64_C(86400)
#define SELF "D4oBwk0S"
#define TEXT_33 "123456789012345678901234567890123"
#define TEXT_65 TEXT_33 "12345678901234567890123456789012"
#define TEXT_129                                                               \
	TEXT_65                                                                \
	"1234567890123456789012345678901234567890123456789012345678901234"
#define FOUR(text) text ", " text ", " text ", " text
#define SEVENTEEN(text) FOUR(FOUR(text)) ", " text

static json_t *
json_of(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static enum rest_error
read_with(const char *text, int64_t longest, const char *self,
    struct jp_admin_request *request)
{
	const struct rest_terms terms = { NOW, longest, self };
	json_t *json = json_of(text);
	enum rest_error error;

	memset(request, 0, sizeof(*request));
	error = rest_read_token(json, &terms, request);
	json_decref(json);
	return error;
}

static enum rest_error
read_token(const char *text, struct jp_admin_request *request)
{
	return read_with(text, JP_NEVER, SELF, request);
}

static void
a_name_and_days_are_read(void **unused)
{
	static struct jp_admin_request request;

	(void)unused;
	assert_int_equal(
	    read_token(
	        "{\"name\": \"ci\", \"expirationDuration\": 90}", &request),
	    REST_NONE);
	assert_string_equal(request.record.name, "ci");
	assert_int_equal(request.lifetime, JP_LIFETIME_UNTIL);
	assert_int_equal(request.expires_at, NOW + 90 * DAY);
}

static void
without_days_the_policy_chooses(void **unused)
{
	static struct jp_admin_request request;

	(void)unused;
	assert_int_equal(read_token("{\"name\": \"ci\"}", &request), REST_NONE);
	assert_int_equal(request.lifetime, JP_LIFETIME_DEFAULT);
	assert_int_equal(
	    read_token(
	        "{\"name\": \"ci\", \"expirationDuration\": null}", &request),
	    REST_NONE);
	assert_int_equal(request.lifetime, JP_LIFETIME_DEFAULT);
	assert_int_equal(request.record.scope_len, 0);
	assert_int_equal(request.record.service_len, 0);
	assert_int_equal(request.record.net_len, 0);
	assert_int_equal(request.record.uses_max, 0);
	assert_string_equal(request.record.parent, "");
}

static void
days_are_cut_to_the_longest_lifetime(void **unused)
{
	static struct jp_admin_request request;
	static const struct {
		const char *days;
		int64_t longest, lifetime;
	} rows[] = {
		{ "30", 30 * DAY, 30 * DAY },
		{ "31", 30 * DAY, 30 * DAY },
		{ "1", 3600, 3600 },
		{ "1e9", 30 * DAY, 30 * DAY },
		{ "1e300", 30 * DAY, 30 * DAY },
		{ "9223372036854775807", 30 * DAY, 30 * DAY },
		{ "90.0", JP_NEVER, 90 * DAY },
		{ "1e2", JP_NEVER, 100 * DAY },
		{ "1e9", JP_NEVER, JP_WHEN_MAX - NOW },
		{ "9223372036854775807", JP_NEVER, JP_WHEN_MAX - NOW },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text),
		    "{\"name\": \"a\", \"expirationDuration\": %s}",
		    rows[i].days);
		assert_int_equal(
		    read_with(text, rows[i].longest, "", &request), REST_NONE);
		assert_int_equal(request.lifetime, JP_LIFETIME_UNTIL);
		assert_int_equal(request.expires_at - NOW, rows[i].lifetime);
	}
}

static void
a_default_lifetime_is_not_cut(void **unused)
{
	static struct jp_admin_request request;

	(void)unused;
	rest_cut_lifetime(&request, NOW, DAY);
	assert_int_equal(request.lifetime, JP_LIFETIME_DEFAULT);
	assert_int_equal(request.expires_at, 0);
}

static void
rights_are_read(void **unused)
{
	static struct jp_admin_request request;
	struct jp_record *record = &request.record;
	char net[JP_NET_TEXT_MAX];

	(void)unused;
	assert_int_equal(
	    read_token("{\"name\": \"a\", \"scopes\": [\"read\", \"write\"], "
	               "\"services\": [\"jira-*\"], \"networks\": "
	               "[\"192.0.2.0/24\", \"2001:db8::1\"], \"uses\": 3, "
	               "\"parent\": \"self\"}",
	        &request),
	    REST_NONE);
	assert_int_equal(record->scope_len, 2);
	assert_string_equal(record->scopes[0], "read");
	assert_string_equal(record->scopes[1], "write");
	assert_int_equal(record->service_len, 1);
	assert_string_equal(record->services[0], "jira-*");
	assert_int_equal(record->net_len, 2);
	jp_net_format(&record->nets[0], net);
	assert_string_equal(net, "192.0.2.0/24");
	assert_int_equal(record->uses_max, 3);
	assert_string_equal(record->parent, SELF);
}

static void
a_parent_is_a_number_an_id_or_self(void **unused)
{
	static struct jp_admin_request request;

	(void)unused;
	assert_int_equal(
	    read_token("{\"name\": \"a\", \"parent\": 4294967296}", &request),
	    REST_NONE);
	assert_string_equal(request.record.parent, "00000000");
	assert_int_equal(
	    read_token("{\"name\": \"a\", \"parent\": \"12345678\"}", &request),
	    REST_NONE);
	assert_string_equal(request.record.parent, "12345678");
	assert_int_equal(read_with("{\"name\": \"a\", \"parent\": \"self\"}", 0,
	                     "", &request),
	    REST_PARENT);
}

#define NAMED(more) "{\"name\": \"a\", " more "}"

static void
what_is_wrong_has_its_error(void **unused)
{
	static struct jp_admin_request request;
	static const struct {
		const char *text;
		enum rest_error error;
	} rows[] = {
		{ "[]", REST_BODY },
		{ "[{\"name\": \"a\"}]", REST_BODY },
		{ "{}", REST_NAME_REQUIRED },
		{ "{\"name\": null}", REST_NAME_REQUIRED },
		{ "{\"name\": \"\"}", REST_NAME_REQUIRED },
		{ "{\"name\": \"  \"}", REST_NAME_REQUIRED },
		{ "{\"name\": \"\\t\\u00a0\\u200b\\u3000\"}",
		    REST_NAME_REQUIRED },
		{ "{\"name\": 7}", REST_NAME_INVALID },
		{ "{\"name\": [\"a\"]}", REST_NAME_INVALID },
		{ "{\"name\": true}", REST_NAME_INVALID },
		{ "{\"name\": \"a\\u0001b\"}", REST_NAME_INVALID },
		{ "{\"name\": \"a\\nb\"}", REST_NAME_INVALID },
		{ "{\"name\": \"a\\u0085b\"}", REST_NAME_INVALID },
		{ "{\"name\": \"" TEXT_129 "\"}", REST_NAME_INVALID },
		{ "{\"name\": \"of "
		  "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD\"}",
		    REST_NAME_INVALID },
		{ NAMED("\"expirationDuration\": 0"), REST_DURATION },
		{ NAMED("\"expirationDuration\": -1"), REST_DURATION },
		{ NAMED("\"expirationDuration\": 1.5"), REST_DURATION },
		{ NAMED("\"expirationDuration\": 0.0"), REST_DURATION },
		{ NAMED("\"expirationDuration\": -1e300"), REST_DURATION },
		{ NAMED("\"expirationDuration\": -9223372036854775808"),
		    REST_DURATION },
		{ NAMED("\"expirationDuration\": \"90\""), REST_DURATION },
		{ NAMED("\"expirationDuration\": true"), REST_DURATION },
		{ NAMED("\"expirationDuration\": [90]"), REST_DURATION },
		{ NAMED("\"expirationDuration\": {}"), REST_DURATION },
		{ NAMED("\"scopes\": []"), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": \"read\""), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": [\"\"]"), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": [1]"), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": [\"read\", null]"), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": [\"" TEXT_33 "\"]"), REST_SCOPE_INVALID },
		{ NAMED("\"scopes\": [" SEVENTEEN("\"a\"") "]"),
		    REST_SCOPE_INVALID },
		{ NAMED("\"services\": []"), REST_SERVICES },
		{ NAMED("\"services\": [\"\"]"), REST_SERVICES },
		{ NAMED("\"services\": [\"a\\u0007\"]"), REST_SERVICES },
		{ NAMED("\"services\": [\"" TEXT_65 "\"]"), REST_SERVICES },
		{ NAMED("\"services\": [" SEVENTEEN("\"a\"") "]"),
		    REST_SERVICES },
		{ NAMED("\"networks\": []"), REST_NETWORKS },
		{ NAMED("\"networks\": {}"), REST_NETWORKS },
		{ NAMED("\"networks\": [\"example.com\"]"), REST_NETWORKS },
		{ NAMED("\"networks\": [\"192.0.2.1/24\"]"), REST_NETWORKS },
		{ NAMED("\"networks\": [" SEVENTEEN("\"192.0.2.1\"") "]"),
		    REST_NETWORKS },
		{ NAMED("\"parent\": 0"), REST_PARENT },
		{ NAMED("\"parent\": -4294967296"), REST_PARENT },
		{ NAMED("\"parent\": 4294967296.0"), REST_PARENT },
		{ NAMED("\"parent\": \"\""), REST_PARENT },
		{ NAMED("\"parent\": true"), REST_PARENT },
		{ NAMED("\"parent\": 218344400552192"), REST_PARENT },
		{ NAMED("\"uses\": 0"), REST_USES },
		{ NAMED("\"uses\": -1"), REST_USES },
		{ NAMED("\"uses\": 1.5"), REST_USES },
		{ NAMED("\"uses\": 4294967296"), REST_USES },
		{ NAMED("\"uses\": 9223372036854775807"), REST_USES },
		{ NAMED("\"uses\": \"1\""), REST_USES },
		{ NAMED("\"scope\": [\"read\"]"), REST_KEY },
		{ NAMED("\"grace\": 1"), REST_KEY },
		{ NAMED("\"\": null"), REST_KEY },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (read_token(rows[i].text, &request) != rows[i].error)
			fail_msg("%s: not %s", rows[i].text,
			    rest_error_id(rows[i].error));
}

static void
what_just_fits_is_read(void **unused)
{
	static struct jp_admin_request request;
	static const char *const texts[] = {
		"{\"name\": \"<script>alert('1')</script> & \\\"\"}",
		"{\"name\": \"Gr\\u00fc\\u00dfe \\ud83d\\ude00\"}",
		NAMED("\"uses\": 4294967295"),
		NAMED("\"uses\": 1.0"),
		NAMED("\"scopes\": [" FOUR(FOUR("\"a\"")) "]"),
		NAMED("\"networks\": [" FOUR(FOUR("\"192.0.2.1\"")) "]"),
		NAMED("\"scopes\": null, \"services\": null, \"networks\": "
		      "null, \"parent\": null, \"uses\": null"),
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (read_token(texts[i], &request) != REST_NONE)
			fail_msg("%s: refused", texts[i]);
}

static void
a_rotation_has_a_grace_or_the_usual_one(void **unused)
{
	static const struct {
		const char *text;
		enum rest_error error;
		int64_t grace;
	} rows[] = {
		{ "{}", REST_NONE, -1 },
		{ "{\"grace\": null}", REST_NONE, -1 },
		{ "{\"grace\": 0}", REST_NONE, 0 },
		{ "{\"grace\": 3600}", REST_NONE, 3600 },
		{ "{\"grace\": 3155760000}", REST_NONE, 3155760000 },
		{ "{\"grace\": 3155760001}", REST_GRACE, 0 },
		{ "{\"grace\": -1}", REST_GRACE, 0 },
		{ "{\"grace\": 0.5}", REST_GRACE, 0 },
		{ "{\"grace\": \"1h\"}", REST_GRACE, 0 },
		{ "{\"name\": \"a\"}", REST_KEY, 0 },
		{ "[]", REST_BODY, 0 },
	};
	static struct jp_admin_request request;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		json_t *json = json_of(rows[i].text);

		request.grace = -1;
		assert_int_equal(
		    rest_read_rotation(json, &request), rows[i].error);
		if (rows[i].error == REST_NONE)
			assert_int_equal(request.grace, rows[i].grace);
		json_decref(json);
	}
	assert_int_equal(rest_read_rotation(NULL, &request), REST_NONE);
}

/* ---- writing ---- */

static void
make_item(struct jp_admin_item *item, const char *id)
{
	memset(item, 0, sizeof(*item));
	item->kind = JP_ITEM_RECORD;
	item->state = JP_STATE_LIVE;
	strcpy(item->record.id, id);
	strcpy(item->record.user, "alice");
	strcpy(item->record.name, "ci");
	item->record.created_at = NOW;
	item->record.expires_at = NOW + 26 * DAY + 83550;
}

static void
expect(const struct jp_admin_item *item, const char *text)
{
	json_t *json = rest_token(item);
	char *written = json_dumps(json, JSON_COMPACT);

	assert_string_equal(written, text);
	free(written);
	json_decref(json);
}

static void
a_token_has_the_fields_of_jira_and_ours(void **unused)
{
	static struct jp_admin_item item;

	(void)unused;
	make_item(&item, "00000001");
	expect(&item,
	    "{\"id\":4294967297,\"name\":\"ci\","
	    "\"createdAt\":\"2027-01-31T00:00:00.000+0000\","
	    "\"expiringAt\":\"2027-02-26T23:12:30.000+0000\","
	    "\"tokenId\":\"00000001\",\"user\":\"alice\",\"status\":\"live\"}");
	item.record.last_used_at = NOW + 1;
	item.record.expires_at = JP_NEVER;
	strcpy(item.token.text, "jpat_x");
	item.token.len = 6;
	expect(&item,
	    "{\"id\":4294967297,\"name\":\"ci\","
	    "\"createdAt\":\"2027-01-31T00:00:00.000+0000\","
	    "\"lastAccessedAt\":\"2027-01-31T00:00:01.000+0000\","
	    "\"expiringAt\":\"9999-12-31T23:59:59.000+0000\","
	    "\"rawToken\":\"jpat_x\","
	    "\"tokenId\":\"00000001\",\"user\":\"alice\",\"status\":\"live\"}");
}

static void
rights_and_state_are_shown(void **unused)
{
	static struct jp_admin_item item;
	struct jp_record *record = &item.record;
	struct jp_why why;
	json_t *json;
	char *text;

	(void)unused;
	make_item(&item, "zzzzzzzz");
	item.state = JP_STATE_UNUSED;
	record->scope_len = 2;
	strcpy(record->scopes[0], "read");
	strcpy(record->scopes[1], "write");
	record->service_len = 1;
	strcpy(record->services[0], "jira");
	record->net_len = 1;
	assert_int_equal(
	    jp_net_parse("192.0.2.0/24", &record->nets[0], &why), JP_ERR_OK);
	strcpy(record->parent, "00000000");
	record->uses_max = 5;
	record->uses_left = 4;
	json = rest_token(&item);
	text = json_dumps(json, JSON_COMPACT);
	assert_non_null(strstr(text,
	    "\"status\":\"paused\",\"cause\":\"unused\","
	    "\"scopes\":[\"read\",\"write\"],\"services\":[\"jira\"],"
	    "\"networks\":[\"192.0.2.0/24\"],\"parent\":4294967296,"
	    "\"uses\":5,\"usesLeft\":4}"));
	assert_non_null(strstr(text, "{\"id\":218344400552191,"));
	free(text);
	json_decref(json);
}

/* What a record should not hold, but a damaged or strange one may. */
static void
times_out_of_all_bounds_are_times(void **unused)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, 1, JP_WHEN_MAX,
		JP_WHEN_MAX + 1, INT64_MAX };
	static struct jp_admin_item item;

	(void)unused;
	make_item(&item, SELF);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		json_t *json;
		const char *text;

		item.record.created_at = times[i];
		json = rest_token(&item);
		text = json_string_value(json_object_get(json, "createdAt"));
		assert_int_equal(strlen(text), 28);
		assert_string_equal(text + 19, ".000+0000");
		json_decref(json);
	}
}

static void
names_cannot_leave_their_text(void **unused)
{
	static struct jp_admin_item item;
	json_t *json, *again;
	char *text;

	(void)unused;
	make_item(&item, SELF);
	strcpy(item.record.name, "\"},{\"id\":1} \\ </script>");
	json = rest_token(&item);
	text = json_dumps(json, JSON_COMPACT);
	again = json_of(text);
	assert_string_equal(json_string_value(json_object_get(again, "name")),
	    item.record.name);
	json_decref(again);
	free(text);
	json_decref(json);
}

/* ---- lists ---- */

/* The ids in a list of those tokens, each with a blank behind it. */
static void
list_ids(const char *first, const char *const ids[], char *out)
{
	struct rest_list list = { .first_id = first };
	static struct jp_admin_item item;
	json_t *json, *value;
	char *text;
	size_t len = 0, i;

	for (; *ids != NULL; ids++) {
		make_item(&item, *ids);
		assert_int_equal(rest_list_add(&list, &item), JP_ERR_OK);
	}
	text = rest_list_take(&list, &len);
	assert_int_equal(strlen(text), len);
	json = json_of(text);
	assert_true(json_is_array(json));
	*out = '\0';
	json_array_foreach(json, i, value)
	{
		out = stpcpy(
		    out, json_string_value(json_object_get(value, "tokenId")));
		out = stpcpy(out, " ");
	}
	json_decref(json);
	free(text);
	assert_null(list.text);
}

static void
the_token_that_asks_stands_first(void **unused)
{
	static const struct {
		const char *first;
		const char *ids[4];
		const char *out;
	} rows[] = {
		{ "", { NULL }, "" },
		{ "", { "00000001", NULL }, "00000001 " },
		{ "", { "00000001", "00000002", NULL }, "00000001 00000002 " },
		{ "00000001", { "00000001", NULL }, "00000001 " },
		{ "00000001", { NULL }, "" },
		{ "00000009", { "00000001", NULL }, "00000001 " },
		{ "00000003", { "00000001", "00000002", "00000003", NULL },
		    "00000003 00000001 00000002 " },
		{ "00000002", { "00000001", "00000002", "00000003", NULL },
		    "00000002 00000001 00000003 " },
	};
	char out[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		list_ids(rows[i].first, rows[i].ids, out);
		assert_string_equal(out, rows[i].out);
	}
}

static void
a_long_list_is_whole(void **unused)
{
	struct rest_list list = { .first_id = "" };
	static struct jp_admin_item item;
	json_t *json;
	char *text;
	size_t len;

	(void)unused;
	make_item(&item, SELF);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(rest_list_add(&list, &item), JP_ERR_OK);
	text = rest_list_take(&list, &len);
	json = json_of(text);
	assert_int_equal(json_array_size(json), 5000);
	json_decref(json);
	free(text);
}

static void
a_list_that_nobody_takes_is_freed(void **unused)
{
	struct rest_list list = { .first_id = SELF };
	static struct jp_admin_item item;

	(void)unused;
	make_item(&item, SELF);
	assert_int_equal(rest_list_add(&list, &item), JP_ERR_OK);
	assert_int_equal(rest_list_add(&list, &item), JP_ERR_OK);
	rest_list_clear(&list);
	rest_list_clear(&list);
	assert_null(list.first);
}

/* ---- errors ---- */

static void
an_error_is_written_as_jira_does(void **unused)
{
	char *text =
	    rest_error_body(rest_error_id(REST_TOO_MANY), "No \"more\"");

	(void)unused;
	assert_string_equal(text,
	    "{\"errorMessages\":[\"No \\\"more\\\"\"],\"errors\":{},"
	    "\"error\":\"too-many-tokens\"}");
	free(text);
}

/* Programs tell them apart by these. */
static void
each_error_has_a_status_and_an_id(void **unused)
{
	(void)unused;
	for (int i = REST_NONE + 1; i < REST_ERROR_COUNT; i++) {
		assert_in_range(
		    rest_error_status((enum rest_error)i), 400, 503);
		assert_true(*rest_error_id((enum rest_error)i) != '\0');
		assert_true(*rest_error_text((enum rest_error)i) != '\0');
	}
	assert_int_equal(rest_error_status(REST_TOO_MANY), 409);
	assert_int_equal(rest_error_status(REST_TOO_FAST), 429);
	assert_int_equal(rest_error_status(REST_NEEDS_SCOPE), 403);
	assert_int_equal(rest_error_status(REST_NOT_FOUND), 404);
}

/* What patd refuses has the same id here as everywhere. */
static void
each_refusal_has_its_error(void **unused)
{
	struct jp_why why = { .text = "" };

	(void)unused;
	for (int i = JP_REFUSAL_NONE + 1; i < JP_REFUSAL_COUNT; i++) {
		enum rest_error error;

		why.refusal = (enum jp_refusal)i;
		error = rest_error_of(JP_ERR_REFUSED, &why);
		assert_string_equal(
		    rest_error_id(error), jp_refusal_id(why.refusal));
		assert_int_equal(rest_error_of(JP_ERR_OK, &why), REST_NONE);
	}
}

static void
without_a_refusal_the_code_of_the_error_says_it(void **unused)
{
	static const struct {
		enum jp_err err;
		enum rest_error error;
	} rows[] = {
		{ JP_ERR_NOT_FOUND, REST_NOT_FOUND },
		{ JP_ERR_INVALID, REST_REQUEST },
		{ JP_ERR_REFUSED, REST_NOT_ALLOWED },
		{ JP_ERR_IO, REST_UNAVAILABLE },
		{ JP_ERR_UNREACHABLE, REST_UNAVAILABLE },
		{ JP_ERR_NOMEM, REST_UNAVAILABLE },
		{ (enum jp_err)1000, REST_UNAVAILABLE },
	};
	struct jp_why why = { .text = "" };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		why.refusal = JP_REFUSAL_NONE;
		assert_int_equal(
		    rest_error_of(rows[i].err, &why), rows[i].error);
		why.refusal = (enum jp_refusal)1000;
		assert_int_equal(
		    rest_error_of(rows[i].err, &why), rows[i].error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_and_days_are_read),
		cmocka_unit_test(without_days_the_policy_chooses),
		cmocka_unit_test(days_are_cut_to_the_longest_lifetime),
		cmocka_unit_test(a_default_lifetime_is_not_cut),
		cmocka_unit_test(rights_are_read),
		cmocka_unit_test(a_parent_is_a_number_an_id_or_self),
		cmocka_unit_test(what_is_wrong_has_its_error),
		cmocka_unit_test(what_just_fits_is_read),
		cmocka_unit_test(a_rotation_has_a_grace_or_the_usual_one),
		cmocka_unit_test(a_token_has_the_fields_of_jira_and_ours),
		cmocka_unit_test(rights_and_state_are_shown),
		cmocka_unit_test(times_out_of_all_bounds_are_times),
		cmocka_unit_test(names_cannot_leave_their_text),
		cmocka_unit_test(the_token_that_asks_stands_first),
		cmocka_unit_test(a_long_list_is_whole),
		cmocka_unit_test(a_list_that_nobody_takes_is_freed),
		cmocka_unit_test(an_error_is_written_as_jira_does),
		cmocka_unit_test(each_error_has_a_status_and_an_id),
		cmocka_unit_test(each_refusal_has_its_error),
		cmocka_unit_test(
		    without_a_refusal_the_code_of_the_error_says_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
