/*
 * What a log may show of text from outside, common/base/escape.c: no secret of
 * a token, whatever stands around it; and nothing else is taken away.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/escape.h"
#include "common/base/text.h"
#include "common/record/record.h"
#include "common/wire/token.h"

#define ID "D4oBwk0S"
#define SECRET "cdgXNCTZuXCvl14LWfvqWFxkpJyFn4"
#define CODE SECRET "14xkpD"
#define TOKEN "jpat_" ID "_" CODE
#define MASKED "jpat_" ID "_***"

/* printf 'alice:TOKEN' | base64, of TOKEN alone, and of " TOKEN" */
#define BASIC                                                                  \
	"YWxpY2U6anBhdF9ENG9Cd2swU19jZGdYTkNUWnVYQ3ZsMTRMV2Z2cVdGeGtwSnlGbjQ"  \
	"xNHhrcEQ="
#define ALONE                                                                  \
	"anBhdF9ENG9Cd2swU19jZGdYTkNUWnVYQ3ZsMTRMV2Z2cVdGeGtwSnlGbjQxNHhrcEQ="

static const struct {
	const char *text, *shown;
} masked[] = {
	{ TOKEN, MASKED },
	{ TOKEN "@realm", MASKED "@realm" },
	{ TOKEN " ", MASKED " " },
	{ " " TOKEN, " " MASKED },
	{ "alice " TOKEN, "alice " MASKED },
	{ "alice:" TOKEN, "alice:" MASKED },
	{ TOKEN ":" TOKEN, MASKED ":" MASKED },
	{ TOKEN TOKEN, MASKED "_" ID "_***" },
	{ "x" TOKEN "y", "x" MASKED },
	{ "DOMAIN\\" TOKEN, "DOMAIN\\x5c" MASKED },
	{ "https://alice:" TOKEN "@jira/", "https://alice:" MASKED "@jira/" },
	{ "\"" TOKEN "\"", "\\x22" MASKED "\\x22" },
	{ TOKEN "\r\n", MASKED "\\x0d\\x0a" },
	{ "\xef\xbb\xbf" TOKEN, "\\xef\\xbb\\xbf" MASKED },
	/* other prefixes, none, too long ones */
	{ "acme_" ID "_" CODE, "acme_" ID "_***" },
	{ "a_" ID "_" CODE, "a_" ID "_***" },
	{ "_" ID "_" CODE, "_" ID "_***" },
	{ ID "_" CODE, ID "_***" },
	{ "averylongprefixofsomebody_" ID "_" CODE,
	    "averylongprefixofsomebody_" ID "_***" },
	/* a wrong checksum, another case */
	{ "jpat_" ID "_" SECRET "14xkpE", MASKED },
	{ "jpat_d4obwk0s_cdgxnctzuxcvl14lwfvqwfxkpjyfn414xkpd",
	    "jpat_d4obwk0s_***" },
	{ "JPAT_D4OBWK0S_CDGXNCTZUXCVL14LWFVQWFXKPJYFN414XKPD",
	    "JPAT_D4OBWK0S_***" },
	/* fragments */
	{ "jpat_" ID "_" SECRET, MASKED },
	{ "jpat_" ID "_cdgXNCTZuXCv", MASKED },
	{ "jpat_" ID "_cdgXNCTZuXC", "jpat_" ID "_cdgXNCTZuXC" },
	{ "wk0S_" CODE, "wk0S_cdgXNC***" },
	{ CODE, "cdgXNC***" },
	{ SECRET, "cdgXNC***" },
	{ "jpat-" ID "-" CODE, "jpat-" ID "-cdgXNC***" },
	{ "jpat%5F" ID "%5F" CODE, "jpat%5F" ID "%5FcdgX***" },
	{ "jpat\\u005f" ID "\\u005f" CODE,
	    "jpat\\x5cu005f" ID "\\x5cu005fc***" },
	/* cut in two by a blank, a line's end or a mark */
	{ "jpat_" ID "_cdgXNCTZ uXCvl14LWfvqWFxkpJyFn414xkpD",
	    "jpat_" ID "_cdgXNCTZ ***" },
	{ "jpat_" ID "_cdgXNCTZuXC\r\n  vl14LWfvqWFxkpJyFn414xkpD@realm",
	    "jpat_" ID "_cdgXNCTZuXC\\x0d\\x0a  ***@realm" },
	{ "jpat_" ID "_cdgXNCTZu-XCvl14LWfvqWFxkpJyFn4",
	    "jpat_" ID "_cdgXNCTZu-***" },
	/* base64 */
	{ BASIC, "***=" },
	{ "Basic " BASIC, "Basic ***=" },
	{ ALONE, "***=" },
	{ "x" ALONE, "***=" },
	{ "xx" ALONE, "***=" },
	{ "xxx" ALONE, "***=" },
};

/* What administrators want to see stays. */
static const char *const clear[] = {
	"",
	"alice",
	"svc_frontend_production",
	"a_very_long_name_with_snapshot_in_it",
	"project_12345678_bot_4ffca233d8298ea1",
	"svc_0123456789abcdef0123456789abcdef",
	"3f2b1c9e-8d7a-4c6b-9e0f-1a2b3c4d5e6f",
	"0123456789abcdef0123456789abcdef01234567",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
	"/etc/apache2/sites-available/jira_pat_production.conf",
	"/usr/lib/x86_64-linux-gnu/security/pam_jira_pat.so",
	"DonaudampfschifffahrtsgesellschaftskapitaenX",
	"jpat_" ID,
	"jpat_" ID "_",
	"team_frontend_dev alice wants 3f2b1c9e8d7a4c6b9e0f1A2b",
	"jpat_",
	"________",
};

static void
secrets_are_masked_whatever_stands_around_them(void **unused)
{
	char text[512];

	(void)unused;
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		assert_string_equal(
		    jp_escape(text, sizeof(text), masked[i].text),
		    masked[i].shown);
}

static void
masking_in_place_masks_the_same_and_escapes_nothing(void **unused)
{
	char text[512];
	char shown[512];

	(void)unused;
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		(void)strcpy(text, masked[i].text);
		jp_mask(text);
		assert_true(strlen(text) <= strlen(masked[i].text));
		assert_string_equal(jp_escape(shown, sizeof(shown), text),
		    masked[i].shown); /* there is nothing more to mask */
	}
}

static void
all_else_is_shown(void **unused)
{
	char text[512];

	(void)unused;
	for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++) {
		assert_string_equal(
		    jp_escape(text, sizeof(text), clear[i]), clear[i]);
		(void)strcpy(text, clear[i]);
		jp_mask(text);
		assert_string_equal(text, clear[i]);
		assert_false(jp_has_token(clear[i]));
	}
}

static void
a_cut_text_ends_before_its_secret_shows(void **unused)
{
	char text[128];
	char whole[128];

	(void)unused;
	(void)jp_escape(whole, sizeof(whole), "alice " TOKEN " bob");
	for (size_t size = 1; size < sizeof(text); size++) {
		(void)jp_escape(text, size, "alice " TOKEN " bob");
		assert_true(strlen(text) < size);
		assert_memory_equal(text, whole, strlen(text));
	}
}

/* Wherever it is cut: what is left of the secret is short, or masked. */
static void
no_cut_of_a_token_shows_twelve_characters_of_its_secret(void **unused)
{
	char cut[sizeof(TOKEN)];
	char shown[128];
	const size_t head = strlen("jpat_" ID "_");

	(void)unused;
	for (size_t len = 0; len <= strlen(TOKEN); len++) {
		(void)snprintf(cut, sizeof(cut), "%.*s", (int)len, TOKEN);
		(void)jp_escape(shown, sizeof(shown), cut);
		assert_true(strlen(shown) < head + 12);
	}
	for (size_t from = 0; from < head; from++) {
		(void)jp_escape(shown, sizeof(shown), TOKEN + from);
		assert_null(strstr(shown, "cdgXNCT"));
	}
}

static void
only_whole_secrets_keep_a_text_from_being_stored(void **unused)
{
	static const char *const refused[] = { TOKEN, "for " TOKEN,
		TOKEN "@realm", "acme_" ID "_" CODE, BASIC, "x" ALONE,
		"jpat_" ID "_" SECRET };
	static const char *const taken[] = { "jpat_" ID, ID,
		"jpat_" ID "_cdgXNCTZuXCv", "my_snapshot_configuration", CODE };
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(jp_text_check("name", refused[i], 255, &why),
		    JP_ERR_INVALID);
		assert_null(strstr(why.text, "cdgX"));
		assert_non_null(strstr(why.text, "token"));
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		assert_int_equal(
		    jp_text_check("name", taken[i], 255, &why), JP_ERR_OK);
}

static void
an_error_text_never_holds_a_token(void **unused)
{
	struct jp_why why;

	(void)unused;
	(void)jp_why(
	    &why, JP_ERR_INVALID, "row %d: \"%s\" is no date", 7, "x " TOKEN);
	assert_string_equal(why.text, "row 7: \"x " MASKED "\" is no date");
}

/* Every byte in every place: no crash, no growth, an end. */
static void
any_text_is_fit_for_a_log(void **unused)
{
	static const char letters[] = "aZ9_+/-= :\n\x80";
	char text[200], shown[JP_ESCAPED_MAX(200)];

	(void)unused;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)rand() % (sizeof(text) - 1);

		for (size_t j = 0; j < len; j++)
			text[j] =
			    letters[(size_t)rand() % (sizeof(letters) - 1)];
		text[len] = '\0';
		(void)jp_escape(shown, sizeof(shown), text);
		for (const char *at = shown; *at != '\0'; at++)
			assert_true(*at >= ' ' && *at <= '~');
		jp_mask(text);
		assert_true(strlen(text) <= len);
	}
}

static void
a_cut_text_ends_with_a_whole_character(void **unused)
{
	static const char *const whole[] = { "", "a", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x94\x91", "a\xf0\x9f\x94\x91" };
	/* Nothing that a cut has made: it stays, whoever wants it or not. */
	static const char *const other[] = { "\x80", "\x80\x80\x80\x80\x80",
		"a\xa9" };
	char text[32];

	(void)unused;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		for (size_t cut = 0; cut <= strlen(whole[i]); cut++) {
			text[0] = 'x';
			memcpy(text + 1, whole[i], cut);
			text[1 + cut] = '\0';
			jp_cut_end(text);
			assert_true(jp_utf8_valid(text, strlen(text)));
			if (cut == strlen(whole[i]))
				assert_string_equal(text + 1, whole[i]);
		}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", other[i]);
		jp_cut_end(text);
		assert_string_equal(text, other[i]);
	}
}

static void
an_error_text_that_is_cut_is_utf8(void **unused)
{
	char euros[3 * JP_WHY_MAX + 1];
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < JP_WHY_MAX; i++)
		memcpy(euros + 3 * i, "\xe2\x82\xac", 4);
	for (int i = 0; i < 4; i++) {
		(void)jp_why(&why, JP_ERR_IO, "%.*s%s", i, "xxx", euros);
		assert_true(jp_utf8_valid(why.text, strlen(why.text)));
		assert_true(strlen(why.text) > JP_WHY_MAX - 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    secrets_are_masked_whatever_stands_around_them),
		cmocka_unit_test(
		    masking_in_place_masks_the_same_and_escapes_nothing),
		cmocka_unit_test(all_else_is_shown),
		cmocka_unit_test(a_cut_text_ends_before_its_secret_shows),
		cmocka_unit_test(
		    no_cut_of_a_token_shows_twelve_characters_of_its_secret),
		cmocka_unit_test(
		    only_whole_secrets_keep_a_text_from_being_stored),
		cmocka_unit_test(an_error_text_never_holds_a_token),
		cmocka_unit_test(any_text_is_fit_for_a_log),
		cmocka_unit_test(a_cut_text_ends_with_a_whole_character),
		cmocka_unit_test(an_error_text_that_is_cut_is_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
