#include "common/sys/exposition.h"

#include <inttypes.h>
#include <stdbool.h>

#define NS_PER_S 1e9

void
jp_expose_head(FILE *out, const struct jp_metric *metric)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
	    metric->help, metric->name, metric->type);
}

void
jp_expose(FILE *out, const struct jp_metric *metric, const char *labels,
    uint64_t value)
{
	if (labels[0] != '\0')
		(void)fprintf(
		    out, "%s{%s} %" PRIu64 "\n", metric->name, labels, value);
	else
		(void)fprintf(out, "%s %" PRIu64 "\n", metric->name, value);
}

void
jp_expose_ms(
    FILE *out, const struct jp_metric *metric, const char *labels, uint64_t ms)
{
	bool bare = labels[0] == '\0';

	(void)fprintf(out, "%s%s%s%s %" PRIu64 ".%03u\n", metric->name,
	    bare ? "" : "{", labels, bare ? "" : "}", ms / 1000,
	    (unsigned int)(ms % 1000));
}

void
jp_expose_one(FILE *out, const struct jp_metric *metric, uint64_t value)
{
	jp_expose_head(out, metric);
	jp_expose(out, metric, "", value);
}

/* `le` is the last label. */
static void
expose_bucket(FILE *out, const struct jp_metric *metric, const char *labels,
    const char *bound, uint64_t count)
{
	(void)fprintf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n",
	    metric->name, labels, labels[0] != '\0' ? "," : "", bound, count);
}

void
jp_expose_times(FILE *out, const struct jp_metric *metric, const char *labels,
    const uint64_t buckets[JP_LATENCY_BUCKETS], uint64_t sum_ns)
{
	const char *open = labels[0] != '\0' ? "{" : "";
	const char *close = labels[0] != '\0' ? "}" : "";
	uint64_t count = 0;
	char bound[32];

	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++) {
		count += buckets[i];
		if (i % JP_LATENCY_STEPS != 0)
			continue;
		(void)snprintf(
		    bound, sizeof(bound), "%.9g", jp_latency_bound(i));
		expose_bucket(out, metric, labels, bound, count);
	}
	expose_bucket(out, metric, labels, "+Inf", count);
	(void)fprintf(out, "%s_sum%s%s%s %.9g\n%s_count%s%s%s %" PRIu64 "\n",
	    metric->name, open, labels, close, (double)sum_ns / NS_PER_S,
	    metric->name, open, labels, close, count);
}
