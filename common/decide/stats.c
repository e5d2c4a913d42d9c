#include "common/decide/stats.h"

#include <string.h>

/* Numbers that stand alone: no other memory depends on their order. */
static void
add(atomic_ullong *counter, uint64_t more)
{
	(void)atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static uint64_t
value_of(const atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
jp_stats_decided(struct jp_stats *stats, enum jp_reason reason)
{
	add(&stats->reasons[reason], 1);
}

void
jp_stats_answered(struct jp_stats *stats, int64_t ns)
{
	uint64_t took = ns > 0 ? (uint64_t)ns : 0;

	add(&stats->latency[jp_latency_bucket(took)], 1);
	add(&stats->latency_ns, took);
}

void
jp_stats_read(struct jp_stats *stats, struct jp_stats_shot *shot)
{
#define READ(field) shot->field = value_of(&stats->field);
	JP_STATS_LIST(READ)
	JP_STATS_MORE_LIST(READ)
#undef READ
	for (size_t i = 0; i < JP_REASON_COUNT; i++)
		shot->reasons[i] = value_of(&stats->reasons[i]);
	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++)
		shot->latency[i] = value_of(&stats->latency[i]);
}

uint64_t
jp_latency_count(const struct jp_stats_shot *shot)
{
	uint64_t count = 0;

	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++)
		count += shot->latency[i];
	return count;
}

double
jp_latency_quantile(const struct jp_stats_shot *shot, double q)
{
	double wanted = q * (double)jp_latency_count(shot);
	uint64_t count = 0;
	size_t i = 0;

	if (wanted <= 0)
		return 0;
	while (i < JP_LATENCY_BUCKETS - 1) {
		count += shot->latency[i];
		if ((double)count >= wanted)
			break;
		i++;
	}
	return jp_latency_bound(i);
}

/* A list of numbers has its length in front: it grows from build to build. */
static void
put_list(struct jp_buf *buf, const uint64_t *numbers, uint8_t len)
{
	jp_buf_put_u8(buf, len);
	for (uint8_t i = 0; i < len; i++)
		jp_buf_put_i64(buf, (int64_t)numbers[i]);
}

static void
get_list(struct jp_buf *buf, uint64_t *numbers, uint8_t max)
{
	uint8_t len = jp_buf_get_u8(buf);

	if (len > max)
		jp_buf_fail(buf, JP_ERR_NEWER);
	for (uint8_t i = 0; i < len && buf->err == JP_ERR_OK; i++)
		numbers[i] = (uint64_t)jp_buf_get_i64(buf);
}

void
jp_stats_put(struct jp_buf *buf, const struct jp_stats_shot *shot)
{
#define PUT(field) jp_buf_put_i64(buf, (int64_t)shot->field);
	JP_STATS_LIST(PUT)
	put_list(buf, shot->reasons, JP_REASON_COUNT);
	put_list(buf, shot->latency, JP_LATENCY_BUCKETS);
	JP_STATS_MORE_LIST(PUT)
#undef PUT
}

void
jp_stats_get(struct jp_buf *buf, struct jp_stats_shot *shot)
{
#define GET(field) shot->field = (uint64_t)jp_buf_get_i64(buf);
	JP_STATS_LIST(GET)
	get_list(buf, shot->reasons, JP_REASON_COUNT);
	get_list(buf, shot->latency, JP_LATENCY_BUCKETS);
	JP_STATS_MORE_LIST(GET)
#undef GET
}
