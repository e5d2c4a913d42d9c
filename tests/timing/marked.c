/*
 * Which code branches on, or looks up by, what is secret: under valgrind, which
 * is told that the secrets are undefined and counts each use of them that time
 * or a cache could show (A. Langley's ctgrind). Each case is one line of TAP;
 * the first one is a comparison that stops early, so that the counting is seen
 * to work. What everybody learns anyway, the answer, is declared to be known.
 *
 * The memo's functions that take tags are static: its file is included.
 */
#include <stdio.h>
#include <string.h>

#include "common/decide/memo.c"
#include "common/record/claim_code.h"
#include "common/record/pepper.h"
#include "tests/timing/one_token.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_MEMCHECK 1
#else
#define HAVE_MEMCHECK 0
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_COUNT_ERRORS 0
#define VALGRIND_MAKE_MEM_UNDEFINED(at, len) ((void)(at), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(at, len) ((void)(at), (void)(len))
#endif

#define SECRET(object) VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define KNOWN(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))

#define ID "D4oBwk0S"
#define TOKEN_SECRET "cdgXNCTZuXCvl14LWfvqWFxkpJyFn4"
#define TOKEN "jpat_" ID "_" TOKEN_SECRET "14xkpD"
#define PHC                                                                    \
	"$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$"                   \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static volatile int sink; /* keeps what is computed from being left out */

static void
stop_early(void)
{
	uint8_t a[16] = { 1 }, b[16] = { 1 };
	const volatile uint8_t *x = a, *y = b;
	size_t i = 0;

	SECRET(a);
	while (i < sizeof(a) && x[i] == y[i])
		i++;
	sink = (int)i;
}

static void
fast_tag(void)
{
	struct jp_pepper pepper = { { 7 } };
	char secret[] = TOKEN_SECRET;
	uint8_t made[JP_FAST_TAG_LEN], stored[JP_FAST_TAG_LEN] = { 1 };
	int differ;

	SECRET(pepper);
	SECRET(secret);
	SECRET(stored);
	jp_pepper_fast_tag(&pepper, ID, secret, made);
	differ = sodium_memcmp(made, stored, sizeof(made));
	KNOWN(differ);
	sink = differ;
}

/* The decision looks at the answer, and at nothing else of the stored tag. */
static void
decision(void)
{
	struct one_token *one = one_token_open();
	struct jp_decision decision;

	memcpy(one->stored.fast_tag, one->fast_tag, sizeof(one->fast_tag));
	one->stored.fast_tag[5] ^= 1;
	SECRET(one->stored.fast_tag);
	jp_decide(&one->core, &one->request, NULL, &decision);
	sink = 0;
}

static void
derived_key(void)
{
	struct jp_pepper pepper = { { 7 } };
	uint8_t key[32];

	SECRET(pepper);
	jp_pepper_derive(&pepper, "timing", key, sizeof(key));
	sink = sizeof(key);
}

static void
memo_tag(void)
{
	struct jp_memo_key key = { { 7 } };
	struct jp_secret token = { .len = 50, .text = TOKEN };
	uint8_t tag[JP_MEMO_TAG_LEN];

	SECRET(key);
	VALGRIND_MAKE_MEM_UNDEFINED(token.text, token.len);
	jp_memo_tag(&key, PHC, &token, tag);
	sink = sizeof(tag);
}

/* Where a tag lies, and in how far another one is like it. */
static void
memo_ways(void)
{
	static struct jp_memo_entry entries[CANDIDATES];
	struct jp_memo_entry *ways[CANDIDATES];
	uint8_t tag[JP_MEMO_TAG_LEN] = { 5 };
	bool found;

	for (size_t i = 0; i < CANDIDATES; i++) {
		ways[i] = &entries[i];
		entries[i].tag[0] = 5;
		entries[i].tag[31] = i != 3;
		entries[i].deadline = 100;
		SECRET(entries[i].tag);
	}
	SECRET(tag);
	found = find_way(ways, tag, 50) != NULL;
	KNOWN(found);
	sink = found;
}

static void
claim_code(void)
{
	struct jp_pepper pepper = { { 7 } };
	char secret[] = TOKEN_SECRET;
	uint8_t made[JP_FAST_TAG_LEN];

	SECRET(pepper);
	SECRET(secret);
	jp_pepper_claim_tag(&pepper, ID, secret, sizeof(secret) - 1, made);
	sink = sizeof(made);
}

static const struct {
	const char *name;
	void (*run)(void);
	unsigned int least, most; /* branches that are noticed */
} cases[] = {
	{ "a comparison that stops early is noticed", stop_early, 1, 16 },
	{ "the fast tag is made and compared without a branch on it", fast_tag,
	    0, 0 },
	{ "the decision branches on the answer, once", decision, 1, 1 },
	{ "a key is derived from the pepper without a branch on it",
	    derived_key, 0, 0 },
	{ "the memo's tag is made without a branch on key or token", memo_tag,
	    0, 0 },
	{ "it is looked for without a branch on where it is, or how alike",
	    memo_ways, 0, 0 },
	{ "the tag of a code is made without a branch on it", claim_code, 0,
	    0 },
};

enum { CASE_COUNT = sizeof(cases) / sizeof(cases[0]) };

static bool
passes(size_t i)
{
	unsigned int before = VALGRIND_COUNT_ERRORS, noticed;
	bool fine;

	/* Valgrind cannot count what it does not also print. */
	if (cases[i].least > 0)
		(void)puts("# expected here: valgrind prints the branch that "
		           "this case has to notice");
	(void)fflush(stdout);
	cases[i].run();
	noticed = VALGRIND_COUNT_ERRORS - before;
	fine = noticed >= cases[i].least && noticed <= cases[i].most;
	(void)printf(
	    "%sok %zu - %s\n", fine ? "" : "not ", i + 1, cases[i].name);
	if (!fine)
		(void)printf("# branches: %u, wanted: %u to %u\n", noticed,
		    cases[i].least, cases[i].most);
	(void)fflush(stdout);
	return fine;
}

int
main(void)
{
	int failed = 0;

	if (!HAVE_MEMCHECK || !RUNNING_ON_VALGRIND) {
		(void)puts("1..0 # SKIP this is for valgrind, and its headers");
		return 0;
	}
	if (sodium_init() < 0)
		return 2;
	(void)printf("1..%d\n", CASE_COUNT);
	for (size_t i = 0; i < CASE_COUNT; i++)
		failed += !passes(i);
	return failed > 0;
}
