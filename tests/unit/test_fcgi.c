/*
 * FastCGI: pat_httpd/fcgi_params.c and pat_httpd/fcgi_wire.c, with what nginx,
 * Apache and lighttpd really send (tests/fuzz/corpus/fcgi). Every buffer that
 * is read has memory of just its length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/fcgi_wire.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONNS 77

/* Types of records. */
enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET, GOT };

/* ---- what a web server sends ---- */

struct stream {
	size_t len;
	uint8_t bytes[400000];
};

static struct stream stream;

static void
put(const void *bytes, size_t len)
{
	assert_true(len <= sizeof(stream.bytes) - stream.len);
	memcpy(stream.bytes + stream.len, bytes, len);
	stream.len += len;
}

static void
record(unsigned int type, unsigned int id, const void *content, size_t len,
    unsigned int padding)
{
	uint8_t header[8] = { 1, (uint8_t)type, (uint8_t)(id >> 8), (uint8_t)id,
		(uint8_t)(len >> 8), (uint8_t)len, (uint8_t)padding, 0 };
	static const uint8_t nothing[255];

	put(header, sizeof(header));
	put(content, len);
	put(nothing, padding);
}

static void
begin(unsigned int id, unsigned int role, unsigned int flags)
{
	uint8_t body[8] = { (uint8_t)(role >> 8), (uint8_t)role,
		(uint8_t)flags };

	record(BEGIN, id, body, sizeof(body), 0);
}

struct pairs {
	size_t len;
	uint8_t bytes[65535];
};

static void
add_length(struct pairs *pairs, size_t len, bool wide)
{
	if (wide || len > 127) {
		pairs->bytes[pairs->len++] = (uint8_t)(len >> 24 | 0x80);
		pairs->bytes[pairs->len++] = (uint8_t)(len >> 16);
		pairs->bytes[pairs->len++] = (uint8_t)(len >> 8);
	}
	pairs->bytes[pairs->len++] = (uint8_t)len;
}

static void
add(struct pairs *pairs, const char *name, const char *value, size_t len)
{
	bool wide = pairs->len % 2 == 1; /* both forms are valid */

	add_length(pairs, strlen(name), wide);
	add_length(pairs, len, wide);
	memcpy(pairs->bytes + pairs->len, name, strlen(name));
	pairs->len += strlen(name);
	memcpy(pairs->bytes + pairs->len, value, len);
	pairs->len += len;
}

static void
params(unsigned int id, const char *name, const char *value)
{
	static struct pairs pairs;

	pairs.len = 0;
	add(&pairs, name, value, strlen(value));
	record(PARAMS, id, pairs.bytes, pairs.len, 3);
}

static void
params_end(unsigned int id)
{
	record(PARAMS, id, "", 0, 0);
}

/* A whole request. */
static void
request(unsigned int id, unsigned int role, unsigned int flags)
{
	begin(id, role, flags);
	params(id, "REQUEST_METHOD", "GET");
	params_end(id);
	record(STDIN, id, "", 0, 0);
}

/* ---- what the reader makes of it ---- */

static struct fcgi_reader reader;

static int
setup(void **unused)
{
	(void)unused;
	stream.len = 0;
	memset(&reader, 0xa5, sizeof(reader));
	fcgi_reader_start(&reader, CONNS);
	return 0;
}

/* One letter for each step, until all is read or no more can be. */
static const char letters[] = {
	[FCGI_STEP_BROKEN] = '!',
	[FCGI_STEP_MORE] = '.',
	[FCGI_STEP_ASK] = 'A',
	[FCGI_STEP_TOO_LARGE] = 'L',
	[FCGI_STEP_ABORT] = 'X',
	[FCGI_STEP_REPLY] = 'r',
	[FCGI_STEP_HOLD] = 'h',
};

static enum fcgi_step
read_exactly(const uint8_t *bytes, size_t len, size_t *used)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum fcgi_step step;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	step = fcgi_reader_step(&reader, exact, len, used);
	assert_true(*used <= len);
	free(exact);
	return step;
}

/* Reads pieces of `piece` bytes; `ends`: what asks is answered at once. */
static const char *
steps_in(size_t piece, bool ends)
{
	static char said[200];
	size_t at = 0, len = 0, used;
	enum fcgi_step step = FCGI_STEP_MORE;

	while (step != FCGI_STEP_BROKEN && step != FCGI_STEP_HOLD &&
	       (at < stream.len || step != FCGI_STEP_MORE)) {
		size_t left = stream.len - at;

		step = read_exactly(
		    stream.bytes + at, left < piece ? left : piece, &used);
		at += used;
		if (step != FCGI_STEP_MORE)
			said[len++] = letters[step];
		if (ends && (step == FCGI_STEP_ASK || step == FCGI_STEP_ABORT ||
		                step == FCGI_STEP_TOO_LARGE))
			fcgi_reader_end(&reader);
		assert_true(len < sizeof(said) - 1);
	}
	said[len] = '\0';
	memmove(stream.bytes, stream.bytes + at, stream.len - at);
	stream.len -= at;
	return said;
}

static const char *
steps(void)
{
	return steps_in(sizeof(stream.bytes), false);
}

static void
assert_param(enum fcgi_param_code code, const char *value)
{
	const struct fcgi_param *param = &reader.params[code];

	if (value == NULL) {
		assert_null(param->value);
		assert_int_equal(param->count, 0);
		return;
	}
	assert_non_null(param->value);
	assert_string_equal(param->value, value);
	assert_int_equal(param->count, 1);
	assert_false(param->odd);
}

static void
assert_reply(const void *bytes, size_t len)
{
	assert_int_equal(reader.reply_len, len);
	assert_memory_equal(reader.reply, bytes, len);
}

/* ---- real web servers ---- */

static void
take_capture(const char *name)
{
	const char *source = getenv("JP_SOURCE");
	char path[1024];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/fcgi/%s",
	    source != NULL ? source : ".", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	stream.len = fread(stream.bytes, 1, sizeof(stream.bytes), file);
	(void)fclose(file);
}

struct capture {
	const char *name;
	enum fcgi_role role;
	bool keep_conn;
	const char *values[FCGI_PARAM_COUNT];
};

#define BASIC "Basic YWxpY2U6c2VjcmV0"
#define BEARER "Bearer secret"
#define ORIGIN "https://app.example.org"

/* AUTHORIZATION, METHOD, URI, ADDRESS, SCRIPT, SERVICE, ACCEPT, ORIGIN,
 * PREFLIGHT */
static const struct capture captures[] = {
	{ "nginx-basic", FCGI_RESPONDER, true,
	    { BASIC, "GET", "/real/rest/api/2/myself?expand=groups",
	        "127.0.0.1", "/auth/jira", NULL, "*/*" } },
	{ "nginx-large", FCGI_RESPONDER, false,
	    { BEARER, "GET", "/bare/big", "127.0.0.1", "/auth/bare", NULL,
	        "*/*" } },
	{ "nginx-preflight", FCGI_RESPONDER, true,
	    { NULL, "OPTIONS", "/real/preflight", "127.0.0.1", "/auth/jira",
	        NULL, "*/*", ORIGIN, "PUT" } },
	{ "apache-basic", FCGI_AUTHORIZER, false,
	    { BASIC, "GET", "/real/rest/api/2/myself?expand=groups",
	        "127.0.0.1", NULL, "jira", "*/*" } },
	{ "apache-post", FCGI_AUTHORIZER, false,
	    { BEARER, "POST", "/bare/rest/issue%2e", "127.0.0.1", NULL, "jira",
	        "application/json, application/problem+json" } },
	{ "apache-large", FCGI_AUTHORIZER, false,
	    { BEARER, "GET", "/bare/big", "127.0.0.1", NULL, "jira", "*/*" } },
	{ "apache-preflight", FCGI_AUTHORIZER, false,
	    { NULL, "OPTIONS", "/real/preflight", "127.0.0.1", NULL, "jira",
	        "*/*", ORIGIN, "PUT" } },
	{ "lighttpd-basic", FCGI_AUTHORIZER, false,
	    { BASIC, "GET", "/real/rest/api/2/myself?expand=groups",
	        "127.0.0.1", NULL, "jira", "*/*" } },
	{ "lighttpd-post", FCGI_AUTHORIZER, false,
	    { BEARER, "POST", "/bare/rest/issue%2e", "127.0.0.1", NULL, "jira",
	        "application/json, application/problem+json" } },
	{ "lighttpd-large", FCGI_AUTHORIZER, false,
	    { BEARER, "GET", "/bare/big", "127.0.0.1", NULL, "jira", "*/*" } },
	{ "lighttpd-preflight", FCGI_AUTHORIZER, false,
	    { NULL, "OPTIONS", "/real/preflight", "127.0.0.1", NULL, "jira",
	        "*/*", ORIGIN, "PUT" } },
};

static void
assert_capture(const struct capture *capture, size_t piece)
{
	(void)setup(NULL);
	take_capture(capture->name);
	assert_string_equal(steps_in(piece, false), "A");
	assert_int_equal(reader.role, capture->role);
	assert_int_equal(reader.keep_conn, capture->keep_conn);
	assert_int_equal(reader.id, 1);
	assert_true(reader.whole);
	for (size_t i = 0; i < FCGI_PARAM_COUNT; i++)
		assert_param((enum fcgi_param_code)i, capture->values[i]);
}

static void
what_real_web_servers_send_is_read_in_pieces_of_any_size(void **unused)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 8, 13, 64, 1000,
		sizeof(stream.bytes) };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(captures); i++)
		for (size_t j = 0; j < COUNT_OF(pieces); j++)
			assert_capture(&captures[i], pieces[j]);
}

/* Two pieces, wherever the first one ends. */
static void
a_request_is_read_wherever_it_is_cut(void **unused)
{
	size_t cut, len, used;

	(void)unused;
	take_capture("nginx-basic");
	len = stream.len;
	for (cut = 0; cut <= len; cut++) {
		enum fcgi_step first, second = FCGI_STEP_MORE;

		fcgi_reader_start(&reader, CONNS);
		first = read_exactly(stream.bytes, cut, &used);
		second = read_exactly(stream.bytes + used, len - used, &used);
		assert_true(
		    (first == FCGI_STEP_ASK) != (second == FCGI_STEP_ASK));
		assert_param(FCGI_PARAM_AUTHORIZATION, BASIC);
		assert_param(FCGI_PARAM_SCRIPT, "/auth/jira");
	}
}

/* nginx gives each field of the client a parameter of its own. */
static void
a_parameter_that_comes_twice_is_counted_and_the_first_stays(void **unused)
{
	(void)unused;
	take_capture("nginx-post");
	assert_string_equal(steps(), "A");
	assert_int_equal(reader.params[FCGI_PARAM_ACCEPT].count, 2);
	assert_string_equal(
	    reader.params[FCGI_PARAM_ACCEPT].value, "application/json");
	assert_param(FCGI_PARAM_AUTHORIZATION, BEARER);
}

/* ---- parameters ---- */

static void
another_spelling_of_what_is_read_is_marked(void **unused)
{
	static const char *const odd[] = { "http_authorization",
		"HTTP-AUTHORIZATION", "HTTP.AUTHORIZATION",
		"HTTP AUTHORIZATION", "Http_Authorization" };
	static const char *const other[] = { "HTTP_AUTHORIZATION_",
		"HTTP__AUTHORIZATION", "AUTHORIZATION", "HTTP_AUTHORIZATIO",
		"HTTP_PROXY_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION", "",
		"HTTP_X_A_NAME_THAT_IS_LONGER_THAN_ALL_THAT_ARE_READ" };
	const struct fcgi_param *param =
	    &reader.params[FCGI_PARAM_AUTHORIZATION];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		(void)setup(NULL);
		begin(1, 1, 0);
		params(1, odd[i], BEARER);
		params_end(1);
		assert_string_equal(steps(), "A");
		assert_true(param->odd);
		assert_int_equal(param->count, 1);
	}
	for (size_t i = 0; i < COUNT_OF(other); i++) {
		(void)setup(NULL);
		begin(1, 1, 0);
		params(1, other[i], BEARER);
		params_end(1);
		assert_string_equal(steps(), "A");
		assert_param(FCGI_PARAM_AUTHORIZATION, NULL);
	}
}

static void
a_client_cannot_name_what_is_the_web_servers(void **unused)
{
	static const char *const names[] = { "HTTP_JIRA_PAT_SERVICE",
		"HTTP_REQUEST_METHOD", "HTTP_SCRIPT_NAME", "HTTP_REMOTE_ADDR",
		"HTTP_REQUEST_URI", "HTTP_X_ORIGINAL_METHOD" };

	(void)unused;
	begin(1, 2, 0);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		params(1, names[i], "x");
	params_end(1);
	assert_string_equal(steps(), "A");
	for (size_t i = 0; i < FCGI_PARAM_COUNT; i++)
		assert_param((enum fcgi_param_code)i, NULL);
}

/* Also in a value that is not kept. */
static void
a_value_with_a_nul_is_marked(void **unused)
{
	static struct pairs pairs;

	(void)unused;
	pairs.len = 0;
	add(&pairs, "REQUEST_URI", "/a\0b", 4);
	add(&pairs, "REQUEST_METHOD", "GET", 3);
	add(&pairs, "REQUEST_METHOD", "\0", 1);
	add(&pairs, "HTTP_COOKIE", "\0", 1);
	add(&pairs, "REMOTE_ADDR", "", 0);
	begin(1, 1, 0);
	record(PARAMS, 1, pairs.bytes, pairs.len, 0);
	params_end(1);
	assert_string_equal(steps_in(1, false), "A");
	assert_true(reader.params[FCGI_PARAM_URI].odd);
	assert_true(reader.params[FCGI_PARAM_METHOD].odd);
	assert_param(FCGI_PARAM_ADDRESS, "");
}

/* `extra` bytes above, or below, the limit, in a record of `size` each. */
static const char *
fill_up(int extra, size_t size)
{
	static struct pairs pairs;
	static char value[FCGI_PAIRS_MAX + 1];
	size_t rest;

	(void)setup(NULL);
	pairs.len = 0;
	add(&pairs, "REQUEST_METHOD", "GET", 3);
	rest = FCGI_PAIRS_MAX - pairs.len - 8 /* two wide lengths */ -
	       strlen("REQUEST_URI");
	memset(value, 'u', sizeof(value));
	add(&pairs, "REQUEST_URI", value, (size_t)((int)rest + extra));
	begin(1, 1, 1);
	for (size_t at = 0; at < pairs.len; at += size)
		record(PARAMS, 1, pairs.bytes + at,
		    size < pairs.len - at ? size : pairs.len - at, 0);
	params_end(1);
	record(STDIN, 1, "", 0, 0);
	request(2, 1, 1);
	return steps_in(sizeof(stream.bytes), true);
}

static void
parameters_of_16_KiB_are_read_and_not_a_byte_more(void **unused)
{
	static const size_t sizes[] = { 1, 100, 4096, 65535 };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_string_equal(fill_up(0, sizes[i]), "AA");
		assert_string_equal(fill_up(1, sizes[i]), "LA");
	}
}

/* It is not waited for. */
static void
a_pair_that_announces_too_much_is_too_large(void **unused)
{
	static const uint8_t lengths[][8] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x80, 0, 0x40, 1, 0x80, 0, 0, 0 },
		{ 0x80, 0, 0, 1, 0x80, 0, 0x40, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		(void)setup(NULL);
		begin(1, 1, 0);
		record(PARAMS, 1, lengths[i], 8, 0);
		assert_string_equal(steps_in(1, true), "L");
	}
}

static void
parameters_that_end_inside_a_pair_are_malformed(void **unused)
{
	static const char pair[] = "\x0e\x03REQUEST_METHODGET";

	(void)unused;
	for (size_t len = 1; len < sizeof(pair) - 1; len++) {
		(void)setup(NULL);
		begin(1, 1, 0);
		record(PARAMS, 1, pair, len, 1);
		params_end(1);
		assert_string_equal(steps(), "!");
	}
}

static void
nothing_is_left_of_the_parameters_of_a_request_that_has_ended(void **unused)
{
	(void)unused;
	begin(1, 1, 0);
	params(1, "HTTP_AUTHORIZATION", "Bearer hush-hush");
	params_end(1);
	assert_string_equal(steps(), "A");
	assert_non_null(
	    memmem(&reader, sizeof(reader), "hush-hush", strlen("hush-hush")));
	fcgi_reader_end(&reader);
	assert_null(
	    memmem(&reader, sizeof(reader), "hush-hush", strlen("hush-hush")));
}

/* ---- requests ---- */

static void
requests_follow_each_other_on_a_connection(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 5; i++)
		request(1 + i % 2, 1, 1);
	assert_string_equal(steps_in(sizeof(stream.bytes), true), "AAAAA");
	for (unsigned int i = 0; i < 5; i++)
		request(1, 2, 1);
	assert_string_equal(steps_in(3, true), "AAAAA");
}

static void
the_same_id_again_waits_for_the_end_of_the_request(void **unused)
{
	(void)unused;
	request(1, 1, 1);
	request(1, 1, 0);
	assert_string_equal(steps(), "Ah");
	assert_true(reader.keep_conn);
	fcgi_reader_end(&reader);
	assert_string_equal(steps(), "A");
	assert_false(reader.keep_conn);
}

static void
the_same_id_again_before_the_parameters_end_is_malformed(void **unused)
{
	(void)unused;
	begin(1, 1, 1);
	begin(1, 1, 1);
	assert_string_equal(steps(), "!");
}

static void
a_second_request_beside_an_open_one_is_refused(void **unused)
{
	static const uint8_t reply[] = { 1, END, 1, 2, 0, 8, 0, 0, 0, 0, 0, 0,
		1 /* FCGI_CANT_MPX_CONN */, 0, 0, 0 };

	(void)unused;
	begin(7, 1, 1);
	params(7, "REQUEST_METHOD", "GET");
	begin(0x102, 2, 0);
	assert_string_equal(steps(), "r");
	assert_reply(reply, sizeof(reply));
	assert_false(reader.reply_ends);
	params(0x102, "REQUEST_METHOD", "PUT");
	params_end(0x102);
	record(ABORT, 0x102, "", 0, 0);
	params_end(7);
	assert_string_equal(steps(), "A");
	assert_int_equal(reader.id, 7);
	assert_int_equal(reader.role, 1);
	assert_param(FCGI_PARAM_METHOD, "GET");
}

static void
roles_that_are_not_known_are_refused(void **unused)
{
	static const unsigned int roles[] = { 0, 3, 4, 0x101, 0x201, 0xffff };
	static const uint8_t reply[] = { 1, END, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0,
		3 /* FCGI_UNKNOWN_ROLE */, 0, 0, 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		for (unsigned int keep = 0; keep < 2; keep++) {
			(void)setup(NULL);
			request(1, roles[i], keep);
			request(1, 1, 1);
			assert_string_equal(
			    steps_in(sizeof(stream.bytes), true), "rA");
			assert_reply(reply, sizeof(reply));
			assert_int_equal(reader.reply_ends, keep == 0);
		}
}

static void
a_request_is_given_up_at_any_moment(void **unused)
{
	(void)unused;
	begin(1, 1, 1);
	record(ABORT, 1, "", 0, 0);
	begin(1, 1, 1);
	params(1, "REQUEST_METHOD", "GET");
	record(ABORT, 2, "", 0, 0);
	record(ABORT, 1, "", 0, 7);
	record(ABORT, 1, "", 0, 0);
	request(1, 1, 1);
	assert_string_equal(steps_in(sizeof(stream.bytes), true), "XXA");
	request(1, 1, 1);
	record(ABORT, 1, "", 0, 0);
	assert_string_equal(steps(), "AX");
}

static void
the_body_is_not_waited_for(void **unused)
{
	static const uint8_t body[60000];

	(void)unused;
	begin(1, 1, 1);
	record(STDIN, 1, body, sizeof(body), 0);
	record(DATA, 1, body, 100, 5);
	params(1, "REQUEST_METHOD", "PUT");
	params_end(1);
	assert_string_equal(steps(), "A");
	assert_false(reader.whole);
	record(STDIN, 1, body, sizeof(body), 9);
	record(STDIN, 1, "", 0, 0);
	assert_string_equal(steps(), "");
	assert_true(reader.whole);
}

static void
what_is_skipped_is_bounded(void **unused)
{
	static const uint8_t body[65535];

	(void)unused;
	request(1, 1, 1);
	for (int i = 0; i < 5; i++)
		record(STDIN, 1, body, sizeof(body), 0);
	assert_string_equal(steps(), "Ah");
	fcgi_reader_end(&reader);
	assert_string_equal(steps(), "!");

	(void)setup(NULL);
	for (int i = 0; i < 5; i++)
		record(STDIN, 9, body, sizeof(body), 0);
	assert_string_equal(steps(), "!");

	(void)setup(NULL);
	begin(1, 1, 1);
	for (int i = 0; i < 5; i++)
		record(STDIN, 1, body, sizeof(body), 0);
	assert_string_equal(steps(), "!");
}

/* ---- management records ---- */

static void
a_web_server_is_told_what_it_asks_for(void **unused)
{
	static const char reply[] = "\1\12\0\0\0\65\0\0"
	                            "\16\2FCGI_MAX_CONNS77"
	                            "\15\2FCGI_MAX_REQS77"
	                            "\17\1FCGI_MPXS_CONNS0";
	static struct pairs pairs;

	(void)unused;
	pairs.len = 0;
	add(&pairs, "FCGI_MPXS_CONNS", "", 0);
	add(&pairs, "FCGI_MAX_REQS", "", 0);
	add(&pairs, "FCGI_SOMETHING_ELSE", "", 0);
	add(&pairs, "FCGI_MAX_CONNS", "", 0);
	begin(1, 1, 0);
	record(GET, 0, pairs.bytes, pairs.len, 4);
	params_end(1);
	assert_string_equal(steps(), "rA");
	assert_reply(reply, sizeof(reply) - 1);

	record(GET, 0, "", 0, 0);
	assert_string_equal(steps(), "r");
	assert_reply("\1\12\0\0\0\0\0\0", 8);
}

static void
management_records_of_unknown_types_are_answered(void **unused)
{
	static const unsigned int types[] = { 11 + 1, 42, 255 };
	uint8_t reply[] = { 1, 11, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		record(types[i], 0, "xyz", 3, 5);
		assert_string_equal(steps_in(1, false), "r");
		reply[8] = (uint8_t)types[i];
		assert_reply(reply, sizeof(reply));
	}
}

/* ---- malformed records ---- */

struct malformed {
	unsigned int version, type, id;
	size_t len;
};

static const struct malformed malformed[] = {
	{ 0, BEGIN, 1, 8 },
	{ 2, BEGIN, 1, 8 },
	{ 1, BEGIN, 0, 8 },
	{ 1, BEGIN, 1, 7 },
	{ 1, BEGIN, 1, 9 },
	{ 1, BEGIN, 1, 0 },
	{ 1, ABORT, 0, 0 },
	{ 1, PARAMS, 0, 0 },
	{ 1, STDIN, 0, 4 },
	{ 1, DATA, 0, 4 },
	{ 1, GET, 1, 0 },
	{ 1, 0, 0, 0 },
	{ 1, 0, 1, 0 },
	{ 1, END, 1, 8 },
	{ 1, STDOUT, 1, 0 },
	{ 1, STDERR, 1, 0 },
	{ 1, GOT, 0, 0 },
	{ 1, 11, 0, 8 },
	{ 1, 12, 1, 0 },
	{ 1, 255, 1, 0 },
};

/* Before a byte of their content is read. */
static void
malformed_records_end_the_connection(void **unused)
{
	static const uint8_t zeroes[9];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(malformed); i++) {
		const struct malformed *one = &malformed[i];

		(void)setup(NULL);
		record(one->type, one->id, zeroes, one->len, 0);
		stream.bytes[0] = (uint8_t)one->version;
		stream.len = FCGI_HEADER_LEN;
		assert_string_equal(steps(), "!");
		assert_string_equal(steps(), "");
		assert_string_equal(
		    (record(BEGIN, 1, zeroes, 8, 0), steps()), "!");
	}
}

static void
values_that_are_cut_end_the_connection(void **unused)
{
	(void)unused;
	record(GET, 0, "\16", 1, 0);
	assert_string_equal(steps(), "!");
	(void)setup(NULL);
	record(GET, 0, "\16\0FCGI", 6, 0);
	assert_string_equal(steps(), "!");
	(void)setup(NULL);
	record(GET, 0, "\16\4FCGI_MAX_CONNSnine", 20, 0);
	assert_string_equal(steps(), "!");
}

static void
parameters_behind_their_end_are_malformed(void **unused)
{
	(void)unused;
	begin(1, 1, 1);
	params_end(1);
	params(1, "REQUEST_METHOD", "GET");
	assert_string_equal(steps(), "A!");
}

/* ---- answers ---- */

static void
an_answer_is_its_text_its_end_and_the_end_of_the_request(void **unused)
{
	static const char sent[] = "\1\6\1\2\0\3\0\0abc"
	                           "\1\6\1\2\0\0\0\0"
	                           "\1\3\1\2\0\10\0\0\0\0\0\0\0\0\0\0";
	uint8_t bytes[3 + FCGI_ANSWER_EXTRA];

	(void)unused;
	memcpy(bytes + FCGI_HEADER_LEN, "abc", 3);
	assert_int_equal(fcgi_answer(bytes, 0x102, 3), sizeof(bytes));
	assert_int_equal(sizeof(sent) - 1, sizeof(bytes));
	assert_memory_equal(bytes, sent, sizeof(bytes));

	assert_int_equal(fcgi_end(bytes, 0x102), 16);
	assert_memory_equal(bytes, sent + 19, 16);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		TEST(what_real_web_servers_send_is_read_in_pieces_of_any_size),
		TEST(a_request_is_read_wherever_it_is_cut),
		TEST(
		    a_parameter_that_comes_twice_is_counted_and_the_first_stays),
		TEST(another_spelling_of_what_is_read_is_marked),
		TEST(a_client_cannot_name_what_is_the_web_servers),
		TEST(a_value_with_a_nul_is_marked),
		TEST(parameters_of_16_KiB_are_read_and_not_a_byte_more),
		TEST(a_pair_that_announces_too_much_is_too_large),
		TEST(parameters_that_end_inside_a_pair_are_malformed),
		TEST(
		    nothing_is_left_of_the_parameters_of_a_request_that_has_ended),
		TEST(requests_follow_each_other_on_a_connection),
		TEST(the_same_id_again_waits_for_the_end_of_the_request),
		TEST(the_same_id_again_before_the_parameters_end_is_malformed),
		TEST(a_second_request_beside_an_open_one_is_refused),
		TEST(roles_that_are_not_known_are_refused),
		TEST(a_request_is_given_up_at_any_moment),
		TEST(the_body_is_not_waited_for),
		TEST(what_is_skipped_is_bounded),
		TEST(a_web_server_is_told_what_it_asks_for),
		TEST(management_records_of_unknown_types_are_answered),
		TEST(malformed_records_end_the_connection),
		TEST(values_that_are_cut_end_the_connection),
		TEST(parameters_behind_their_end_are_malformed),
		TEST(an_answer_is_its_text_its_end_and_the_end_of_the_request),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
