/* Argon2id and the strict reader of PHC strings: common/record/argon2.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/record/argon2.h"
#include "tests/leave_out.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Salt and tag of an example; the tag is of no known token. */
#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define TAG "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define GOOD "$argon2id$v=19$m=8,t=1,p=1$" SALT "$" TAG

/*
 * Made by argon2id_hash_encoded() of the reference implementation, libargon2:
 * t=3, m=64, p=1, salt "0123456789abcdef", 32 bytes.
 */
#define KNOWN_TOKEN "correct-horse"
#define KNOWN                                                                  \
	"$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg"                   \
	"$fQSjsM3fky5Rto61bSReEiP14Cwn0JA3f3NBA+Ih0IY"

static const struct jp_cost cheap = { 8, 1 };

static void
set_token(struct jp_secret *token, const char *text)
{
	assert_int_equal(jp_secret_set(token, text, strlen(text)), JP_ERR_OK);
}

static bool
matches(const char *phc, const char *text)
{
	struct jp_secret token;
	bool match;

	set_token(&token, text);
	assert_int_equal(jp_hash_verify(phc, &token, &match), JP_ERR_OK);
	return match;
}

static void
a_fixed_string_of_another_argon2_is_understood(void **unused)
{
	(void)unused;
	assert_true(matches(KNOWN, KNOWN_TOKEN));
	assert_false(matches(KNOWN, "correct-horsf"));
	assert_false(matches(KNOWN, "correct-hors"));
	assert_false(matches(KNOWN, "correct-horse "));
	assert_false(matches(KNOWN, ""));
}

static void
a_string_that_libsodium_made_is_understood(void **unused)
{
	char phc[crypto_pwhash_STRBYTES];

	(void)unused;
	assert_int_equal(crypto_pwhash_str(phc, "secret", 6, 2, 64 * 1024), 0);
	assert_true(matches(phc, "secret"));
	assert_false(matches(phc, "Secret"));
}

static void
libsodium_understands_what_is_made_here(void **unused)
{
	struct jp_secret token;
	char phc[JP_PHC_MAX + 1];

	(void)unused;
	set_token(&token, "secret");
	assert_int_equal(jp_hash_make(&token, &cheap, phc), JP_ERR_OK);
	assert_int_equal(crypto_pwhash_str_verify(phc, "secret", 6), 0);
	assert_int_not_equal(crypto_pwhash_str_verify(phc, "secreT", 6), 0);
}

static void
what_is_made_is_verified(void **unused)
{
	struct jp_secret token, other;
	char phc[JP_PHC_MAX + 1];
	bool match;

	(void)unused;
	memset(token.text, 'x', JP_SECRET_MAX);
	token.text[JP_SECRET_MAX] = '\0';
	token.len = JP_SECRET_MAX;
	other = token;
	other.text[JP_SECRET_MAX - 1] = 'y';
	assert_int_equal(jp_hash_make(&token, &cheap, phc), JP_ERR_OK);
	assert_int_equal(jp_hash_verify(phc, &token, &match), JP_ERR_OK);
	assert_true(match);
	assert_int_equal(jp_hash_verify(phc, &other, &match), JP_ERR_OK);
	assert_false(match);
}

static void
the_cost_asked_for_is_the_cost_in_the_string(void **unused)
{
	const struct jp_cost cost = { 72, 3 };
	struct jp_secret token;
	struct jp_phc phc;
	char text[JP_PHC_MAX + 1];

	(void)unused;
	set_token(&token, "secret");
	assert_int_equal(jp_hash_make(&token, &cost, text), JP_ERR_OK);
	assert_non_null(strstr(text, "$m=72,t=3,p=1$"));
	assert_int_equal(jp_phc_parse(text, &phc), JP_ERR_OK);
	assert_int_equal(phc.cost.memory, 72);
	assert_int_equal(phc.cost.passes, 3);
}

static void
two_hashes_of_one_token_differ(void **unused)
{
	struct jp_secret token;
	char first[JP_PHC_MAX + 1], second[JP_PHC_MAX + 1];

	(void)unused;
	set_token(&token, "secret");
	assert_int_equal(jp_hash_make(&token, &cheap, first), JP_ERR_OK);
	assert_int_equal(jp_hash_make(&token, &cheap, second), JP_ERR_OK);
	assert_string_not_equal(first, second);
}

static void
the_reader_takes_what_lies_on_its_bounds(void **unused)
{
	static const char *const rows[] = {
		GOOD,
		"$argon2id$v=19$m=65536,t=10,p=1$" SALT "$" TAG,
		"$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" TAG,
		"$argon2id$v=19$m=8,t=10,p=1$" SALT "$" TAG,
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_phc phc;
		char text[JP_PHC_MAX + 1];

		assert_int_equal(jp_phc_parse(rows[i], &phc), JP_ERR_OK);
		for (size_t n = 0; n < JP_PHC_SALT_LEN; n++)
			assert_int_equal(phc.salt[n], n);
		for (size_t n = 0; n < JP_PHC_TAG_LEN; n++)
			assert_int_equal(phc.tag[n], n);
		jp_phc_format(&phc, text);
		assert_string_equal(text, rows[i]);
	}
}

#define COST(cost) "$argon2id$v=19$" cost "$" SALT "$" TAG
#define TAIL(tail) "$argon2id$v=19$m=8,t=1,p=1$" tail

static const char *const no_phc[] = {
	"",
	"*",
	"!",
	"!!",
	"x",
	"$",
	"$$$$$",
	"secret",
	COST("m=7,t=1,p=1"),
	COST("m=0,t=1,p=1"),
	COST("m=65537,t=1,p=1"),
	COST("m=4194304,t=1,p=1"),
	COST("m=4294967304,t=1,p=1"), /* 8 + 2^32 */
	COST("m=18446744073709551624,t=1,p=1"),
	COST("m=-8,t=1,p=1"),
	COST("m=+8,t=1,p=1"),
	COST("m= 8,t=1,p=1"),
	COST("m=08,t=1,p=1"),
	COST("m=0x8,t=1,p=1"),
	COST("m=8k,t=1,p=1"),
	COST("m=,t=1,p=1"),
	COST("m=8,t=0,p=1"),
	COST("m=8,t=11,p=1"),
	COST("m=8,t=01,p=1"),
	COST("m=8,t=4294967297,p=1"),
	COST("m=8,t=,p=1"),
	COST("m=8,t=1,p=0"),
	COST("m=8,t=1,p=2"),
	COST("m=8,t=1,p=01"),
	COST("m=8,t=1,p=11"),
	COST("m=8,t=1"),
	COST("m=8,p=1"),
	COST("t=1,p=1"),
	COST("t=1,m=8,p=1"),
	COST("m=8,t=1,p=1,x=1"),
	COST("m=8,t=1,p=1,keyid=AA"),
	COST("m=8,t=1,p=1,"),
	COST("m=8;t=1;p=1"),
	COST("M=8,t=1,p=1"),
	"$argon2i$v=19$m=8,t=1,p=1$" SALT "$" TAG,
	"$argon2d$v=19$m=8,t=1,p=1$" SALT "$" TAG,
	"$Argon2id$v=19$m=8,t=1,p=1$" SALT "$" TAG,
	"$argon2id$v=16$m=8,t=1,p=1$" SALT "$" TAG,
	"$argon2id$v=20$m=8,t=1,p=1$" SALT "$" TAG,
	"$argon2id$v=019$m=8,t=1,p=1$" SALT "$" TAG,
	"$argon2id$m=8,t=1,p=1$" SALT "$" TAG,
	"argon2id$v=19$m=8,t=1,p=1$" SALT "$" TAG,
	"$$argon2id$v=19$m=8,t=1,p=1$" SALT "$" TAG,
	" " GOOD,
	GOOD " ",
	GOOD "\n",
	GOOD "$",
	GOOD "A",
	GOOD "AAAA",
	GOOD "=",
	GOOD GOOD,
	TAIL(SALT),
	TAIL(SALT "$"),
	TAIL(TAG),
	TAIL("$" TAG),
	TAIL(SALT "$$" TAG),
	TAIL(SALT "==$" TAG),
	TAIL(SALT "A$" TAG),
	TAIL("AAECAwQFBgcICQoLDA0OD$" TAG),  /* short salt */
	TAIL("AAECAwQFBgcICQoLDA0ODx$" TAG), /* loose bits in its end */
	TAIL("AAECAwQFBgcICQoLDA0OD-$" TAG), /* base64url */
	TAIL("AAECAwQFBgcICQoLDA0 Dw$" TAG), /* a blank */
	TAIL(SALT "$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9"),
	TAIL(SALT "$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_"),
	TAIL(SALT "$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh="),
	TAIL(SALT "$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg"),
	TAIL(SALT "$AAECAwQFBgcICQoLDA0ODw"),
};

static void
the_reader_refuses_all_else(void **unused)
{
	struct jp_phc phc;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(no_phc); i++)
		if (jp_phc_parse(no_phc[i], &phc) != JP_ERR_INVALID)
			fail_msg("%s is taken for a PHC string", no_phc[i]);
}

static void
a_string_cut_at_any_byte_is_refused(void **unused)
{
	(void)unused;
	for (size_t cut = 0; cut < strlen(GOOD); cut++) {
		char *text = strndup(GOOD, cut);
		struct jp_phc phc;

		assert_non_null(text);
		assert_int_equal(jp_phc_parse(text, &phc), JP_ERR_INVALID);
		free(text);
	}
}

static void
a_changed_byte_is_refused_or_printed_again(void **unused)
{
	(void)unused;
	for (size_t at = 0; at < strlen(GOOD); at++)
		for (int c = 1; c < 256; c++) {
			char text[] = GOOD, back[JP_PHC_MAX + 1];
			struct jp_phc phc;

			text[at] = (char)c;
			if (jp_phc_parse(text, &phc) != JP_ERR_OK)
				continue;
			jp_phc_format(&phc, back);
			assert_string_equal(back, text);
		}
}

static void
a_tag_in_other_case_does_not_match(void **unused)
{
	char phc[] = KNOWN;

	(void)unused;
	for (char *at = strrchr(phc, '$') + 1; at[1] != '\0'; at++) {
		char kept = *at;

		if ((kept | 0x20) < 'a' || (kept | 0x20) > 'z')
			continue;
		*at ^= 0x20;
		assert_false(matches(phc, KNOWN_TOKEN));
		*at = kept;
	}
	assert_true(matches(phc, KNOWN_TOKEN));
}

/* 4 GiB would take many seconds: CPU time tells whether it was tried. */
static void
nothing_is_run_for_a_string_out_of_bounds(void **unused)
{
	struct jp_secret token;
	clock_t start = clock();

	(void)unused;
	set_token(&token, "secret");
	for (int round = 0; round < 100; round++)
		for (size_t i = 0; i < COUNT_OF(no_phc); i++) {
			bool match = true;

			assert_int_equal(
			    jp_hash_verify(no_phc[i], &token, &match),
			    JP_ERR_INVALID);
			assert_false(match);
		}
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
}

/* In a child: its limit is gone with it. Returns the exit status. */
static int
in_little_memory(int (*run)(void))
{
	const struct rlimit limit = { 32U << 20, 32U << 20 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setrlimit(RLIMIT_AS, &limit) == 0 ? run() : 100);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static int
verify_large(void)
{
	static const char large[] =
	    "$argon2id$v=19$m=65536,t=1,p=1$" SALT "$" TAG;
	struct jp_secret token = { .len = 1, .text = "x" };
	bool match = true;
	enum jp_err err = jp_hash_verify(large, &token, &match);

	return err == JP_ERR_NOMEM && !match ? 0 : 1;
}

static int
make_large(void)
{
	const struct jp_cost cost = { JP_ARGON2_MEMORY_MAX, 1 };
	struct jp_secret token = { .len = 1, .text = "x" };
	char phc[JP_PHC_MAX + 1] = "";

	if (jp_hash_make(&token, &cost, phc) != JP_ERR_NOMEM)
		return 1;
	return phc[0] == '\0' ? 0 : 2;
}

static void
a_lack_of_memory_is_no_wrong_token(void **unused)
{
	(void)unused;
	assert_int_equal(in_little_memory(verify_large), 0);
}

static void
a_lack_of_memory_makes_no_hash(void **unused)
{
	(void)unused;
	assert_int_equal(in_little_memory(make_large), 0);
}

static int
start_sodium(void **unused)
{
	(void)unused;
	return sodium_init() < 0 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_fixed_string_of_another_argon2_is_understood),
		cmocka_unit_test(a_string_that_libsodium_made_is_understood),
		cmocka_unit_test(libsodium_understands_what_is_made_here),
		cmocka_unit_test(what_is_made_is_verified),
		cmocka_unit_test(the_cost_asked_for_is_the_cost_in_the_string),
		cmocka_unit_test(two_hashes_of_one_token_differ),
		cmocka_unit_test(the_reader_takes_what_lies_on_its_bounds),
		cmocka_unit_test(the_reader_refuses_all_else),
		cmocka_unit_test(a_string_cut_at_any_byte_is_refused),
		cmocka_unit_test(a_changed_byte_is_refused_or_printed_again),
		cmocka_unit_test(a_tag_in_other_case_does_not_match),
		cmocka_unit_test(nothing_is_run_for_a_string_out_of_bounds),
		cmocka_unit_test(a_lack_of_memory_is_no_wrong_token),
		cmocka_unit_test(a_lack_of_memory_makes_no_hash),
	};

	if (UNDER_ASAN)
		leave_out("a_lack_of_memory_*", "AddressSanitizer");
	return cmocka_run_group_tests(tests, start_sodium, NULL);
}
