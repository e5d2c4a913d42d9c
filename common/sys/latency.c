#include "common/sys/latency.h"

#include <math.h>

size_t
jp_latency_bucket(uint64_t ns)
{
	unsigned int octave, step;

	if (ns < UINT64_C(1) << JP_LATENCY_SHORTEST)
		return 0;
	if (ns >= UINT64_C(1) << JP_LATENCY_LONGEST)
		return JP_LATENCY_BUCKETS - 1;
	octave = 63 - (unsigned int)__builtin_clzll(ns);
	step =
	    (unsigned int)(ns * JP_LATENCY_STEPS >> octave) - JP_LATENCY_STEPS;
	return 1 + (octave - JP_LATENCY_SHORTEST) * JP_LATENCY_STEPS + step;
}

double
jp_latency_bound(size_t bucket)
{
	const size_t octave = bucket / JP_LATENCY_STEPS;
	const size_t step = bucket % JP_LATENCY_STEPS;

	if (bucket >= JP_LATENCY_BUCKETS - 1)
		return HUGE_VAL;
	return ldexp(1.0 + (double)step / JP_LATENCY_STEPS,
	           JP_LATENCY_SHORTEST + (int)octave) /
	       1e9;
}
