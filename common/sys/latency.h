/*
 * How times are counted: in buckets, so that the distribution of any number of
 * them takes the same memory.
 */
#ifndef JP_LATENCY_H
#define JP_LATENCY_H

#include <stddef.h>
#include <stdint.h>

/*
 * 8 buckets of the same width lie from one power of two (in nanoseconds) to the
 * next, so that the bound of a bucket is at most one eighth more than any time
 * in it. The first bucket takes all that is shorter than 2^10 ns, the last one
 * what is 2^34 ns (17 s) and longer.
 */
#define JP_LATENCY_STEPS 8
#define JP_LATENCY_SHORTEST 10
#define JP_LATENCY_LONGEST 34
#define JP_LATENCY_BUCKETS                                                     \
	((JP_LATENCY_LONGEST - JP_LATENCY_SHORTEST) * JP_LATENCY_STEPS + 2)

/* The bucket that counts this time. */
size_t jp_latency_bucket(uint64_t ns);

/* All times in a bucket are shorter than this, in seconds; the last: HUGE_VAL
 */
double jp_latency_bound(size_t bucket);

#endif
