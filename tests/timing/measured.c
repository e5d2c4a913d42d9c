/*
 * Whether the time that the product takes depends on what is secret: each case
 * has two classes of input, taken in random order and timed one by one; Welch's
 * t-test says whether their means differ (dudect: Reparaz, Balasch,
 * Verbauwhede, "Dude, is my code constant time?", 2017). Above 4.5 they do. The
 * slowest samples of both classes, which the machine and not the code made, are
 * left out.
 *
 *     measured [SAMPLES]
 *
 * The first case is a comparison that stops early, which has to be noticed. A
 * busy machine says little: run it again before you believe a bad line.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/decide/memo.c"
#include "tests/timing/one_token.h"

enum { SAMPLES = 200000, CROPS = 5, TURNS = 8 };

#define LIMIT 4.5

static volatile int sink; /* keeps what is computed from being left out */

static struct one_token *one;

static void
decide(void)
{
	struct jp_decision decision;

	jp_decide(&one->core, &one->request, NULL, &decision);
	sink = decision.reason;
}

/* ---- cases ---- */

static uint8_t left[256], right[256];

static void
early_prepare(int class)
{
	memset(left, 1, sizeof(left));
	memcpy(right, left, sizeof(right));
	right[class == 0 ? 0 : sizeof(right) - 1] ^= 1;
}

static void
early_run(void)
{
	size_t i = 0;

	while (i < sizeof(left) && ((volatile uint8_t *)left)[i] == right[i])
		i++;
	sink = (int)i;
}

/* The stored tag differs from that of the token in its first or last byte. */
static void
tag_prepare(int class)
{
	one->is_stored = true;
	memcpy(one->stored.fast_tag, one->fast_tag, sizeof(one->fast_tag));
	one->stored.fast_tag[class == 0 ? 0 : JP_FAST_TAG_LEN - 1] ^= 1;
}

static void
id_prepare(int class)
{
	tag_prepare(0);
	one->is_stored = class == 0;
}

static struct jp_memo_entry entries[CANDIDATES];
static struct jp_memo_entry *ways[CANDIDATES];
static uint8_t wanted[JP_MEMO_TAG_LEN];

static void
memo_prepare(void)
{
	memset(wanted, 5, sizeof(wanted));
	for (size_t i = 0; i < CANDIDATES; i++) {
		ways[i] = &entries[i];
		memset(entries[i].tag, 9, sizeof(entries[i].tag));
		entries[i].deadline = 100;
	}
}

/* In the first place that may hold it, or in the last one. */
static void
where_prepare(int class)
{
	memo_prepare();
	memcpy(entries[class == 0 ? 0 : CANDIDATES - 1].tag, wanted,
	    sizeof(wanted));
}

/*
 * All places hold something else, which is like it or not. Both are written in
 * the same way, or the writing shows in the reading.
 */
static void
alike_prepare(int class)
{
	uint8_t other[JP_MEMO_TAG_LEN];

	memo_prepare();
	memset(other, 9 - 4 * class, sizeof(other));
	other[sizeof(other) - 1] = 9;
	for (size_t i = 0; i < CANDIDATES; i++)
		memcpy(entries[i].tag, other, sizeof(other));
}

static void
memo_run(void)
{
	sink = find_way(ways, wanted, 50) != NULL;
}

static const struct timed {
	const char *name;
	void (*prepare)(int class);
	void (*run)(void);
	enum { SAME, MAY_DIFFER, HAS_TO_DIFFER } wanted;
} cases[] = {
	{ "a comparison that stops early: first or last byte", early_prepare,
	    early_run, HAS_TO_DIFFER },
	{ "the decision, by a fast tag wrong in its first or last byte",
	    tag_prepare, decide, SAME },
	{ "the memo, by where the tag is", where_prepare, memo_run, SAME },
	{ "the memo, by how alike another tag is", alike_prepare, memo_run,
	    false },
	{ "the decision, by a wrong secret or an unknown id", id_prepare,
	    decide, MAY_DIFFER },
};

/* ---- measuring ---- */

struct sample {
	double ns;
	int class;
};

static double
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
take(const struct timed *timed, struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double begin;

		samples[i].class = (int)randombytes_uniform(2);
		timed->prepare(samples[i].class);
		timed->run(); /* the caches are warm for both */
		begin = now_ns();
		for (int turn = 0; turn < TURNS; turn++)
			timed->run();
		samples[i].ns = (now_ns() - begin) / TURNS;
	}
}

static int
compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

struct class_sum {
	double n, mean, squares; /* B. P. Welford's running variance */
};

static void
add(struct class_sum *sum, double ns)
{
	double delta = ns - sum->mean;

	sum->n++;
	sum->mean += delta / sum->n;
	sum->squares += delta * (ns - sum->mean);
}

/* t of the fastest `count` of the sorted samples, and the two means. */
static double
welch(const struct sample *samples, size_t count, double mean[2])
{
	struct class_sum sums[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	double error = 0;

	for (size_t i = 0; i < count; i++)
		add(&sums[samples[i].class], samples[i].ns);
	for (int class = 0; class < 2; class ++) {
		mean[class] = sums[class].mean;
		if (sums[class].n < 2)
			return INFINITY; /* the faster half is of one class */
		error +=
		    sums[class].squares / (sums[class].n - 1) / sums[class].n;
	}
	return error > 0 ? fabs(mean[0] - mean[1]) / sqrt(error) : 0;
}

/* Fewer and fewer of the slow samples are left out; the largest t counts. */
static double
judge(struct sample *samples, size_t count, double mean[2])
{
	double largest = 0;

	qsort(samples, count, sizeof(*samples), compare);
	for (size_t crop = 1; crop <= CROPS; crop++) {
		double t = welch(samples, count - (count >> crop), mean);

		largest = t > largest ? t : largest;
	}
	(void)welch(samples, count - (count >> CROPS), mean);
	return largest;
}

static const char *
opinion(const struct timed *timed, bool differs)
{
	switch (timed->wanted) {
	case SAME:
		return differs ? "DIFFERS" : "same";
	case HAS_TO_DIFFER:
		return differs ? "noticed" : "NOT NOTICED";
	case MAY_DIFFER:
		break;
	}
	return "(may differ)";
}

static bool
report(const struct timed *timed, struct sample *samples, size_t count)
{
	double mean[2], t;
	bool differs;

	take(timed, samples, count);
	t = judge(samples, count, mean);
	differs = t > LIMIT;
	(void)printf("%-62s %8.1f %8.1f ns  |t| %7.1f  %s\n", timed->name,
	    mean[0], mean[1], t, opinion(timed, differs));
	(void)fflush(stdout);
	return timed->wanted == MAY_DIFFER ||
	       differs == (timed->wanted == HAS_TO_DIFFER);
}

int
main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : SAMPLES;
	struct sample *samples;
	int failed = 0;

	if (count < 100) {
		(void)fputs("measured: at least 100 samples\n", stderr);
		return 2;
	}
	if (sodium_init() < 0)
		return 2;
	samples = calloc(count, sizeof(*samples));
	if (samples == NULL)
		return 2;
	one = one_token_open();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		failed += !report(&cases[i], samples, count);
	free(samples);
	return failed > 0;
}
