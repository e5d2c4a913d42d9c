#include "pat_httpd/counts.h"

#include "common/base/clock.h"

void
counts_answer(struct counts *counts, enum jp_listener_protocol protocol,
    enum answer_kind kind, int64_t asked_ns)
{
	struct counts_of_protocol *of = &counts->of[protocol];
	int64_t took = jp_now_ns() - asked_ns;

	of->answers[kind]++;
	if (asked_ns == 0)
		return;
	of->times[jp_latency_bucket((uint64_t)took)]++;
	of->times_ns += (uint64_t)took;
}
