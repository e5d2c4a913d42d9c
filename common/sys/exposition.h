/*
 * Metrics in the text format of Prometheus:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Names, labels and help are the program's own: nothing is escaped. Errors of
 * writing stick to the file.
 */
#ifndef JP_EXPOSITION_H
#define JP_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

#include "common/sys/latency.h"

#define JP_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A metric: in front of its samples. `name` is whole. */
struct jp_metric {
	const char *name, *type, *help;
};

void jp_expose_head(FILE *out, const struct jp_metric *metric);

/* A sample of it; `labels` as between the braces, "": none. */
void jp_expose(FILE *out, const struct jp_metric *metric, const char *labels,
    uint64_t value);

/* The same, of milliseconds: as seconds. */
void jp_expose_ms(
    FILE *out, const struct jp_metric *metric, const char *labels, uint64_t ms);

/* A gauge or counter without labels. */
void jp_expose_one(FILE *out, const struct jp_metric *metric, uint64_t value);

/*
 * The samples of a histogram: one bucket for each power of two, the sum of all
 * times, which is given in nanoseconds, and their count. `labels` as before.
 */
void
jp_expose_times(FILE *out, const struct jp_metric *metric, const char *labels,
    const uint64_t buckets[JP_LATENCY_BUCKETS], uint64_t sum_ns);

#endif
