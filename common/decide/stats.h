/*
 * What patd counts since its start: answers by reason, how long they took,
 * and how busy it is now. Any thread may count and read; nothing blocks, and
 * nothing is allocated. A reader sees each number whole, but not all of one
 * moment.
 */
#ifndef JP_STATS_H
#define JP_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/sys/latency.h"
#include "common/sys/time_text.h"
#include "common/wire/verdict.h"

/*
 * X(field): single numbers. The last four are of this moment, the others of all
 * the time since the start.
 */
#define JP_STATS_LIST(X)                                                       \
	X(started_at)      /* seconds since 1970 UTC; 0: no patd counts */     \
	X(latency_ns)      /* of all answers together */                       \
	X(refused)         /* connections that were not taken */               \
	X(connections)     /* open ones, for questions */                      \
	X(max_connections) /* their limit */                                   \
	X(queued)          /* hashes that wait for a worker */                 \
	X(max_queued)      /* their limit */

/*
 * X(field): numbers that came later, at the end of a message: append only.
 */
#define JP_STATS_MORE_LIST(X)                                                  \
	X(log_lost)    /* lines of the log, for its reader was too slow */     \
	X(audit_lost)  /* lines that the audit trail did not get */            \
	X(lookups)     /* of the name service, that wait or are under way */   \
	X(late)        /* questions that got no decision in time */            \
	X(hash_memory) /* bytes of Argon2id's memory, in use or kept */        \
	X(kept)        /* what the memo knew from before the start */

struct jp_stats {
#define JP_STATS_ATOMIC(field) atomic_ullong field;
	JP_STATS_LIST(JP_STATS_ATOMIC)
	JP_STATS_MORE_LIST(JP_STATS_ATOMIC)
#undef JP_STATS_ATOMIC
	atomic_ullong reasons[JP_REASON_COUNT];
	atomic_ullong latency[JP_LATENCY_BUCKETS];
};

/* The same at one moment. */
struct jp_stats_shot {
#define JP_STATS_PLAIN(field) uint64_t field;
	JP_STATS_LIST(JP_STATS_PLAIN)
	JP_STATS_MORE_LIST(JP_STATS_PLAIN)
#undef JP_STATS_PLAIN
	uint64_t reasons[JP_REASON_COUNT];
	uint64_t latency[JP_LATENCY_BUCKETS];
};

/* Counts an answer with this reason. */
void jp_stats_decided(struct jp_stats *stats, enum jp_reason reason);

/* Counts the time of an answer: from reading its question to sending it. */
void jp_stats_answered(struct jp_stats *stats, int64_t ns);

void jp_stats_read(struct jp_stats *stats, struct jp_stats_shot *shot);

/* How many times were counted. */
uint64_t jp_latency_count(const struct jp_stats_shot *shot);

/*
 * The time in seconds within which the share `q` (0 to 1) of all answers was
 * given, rounded up to the bound of its bucket; 0 if there was none.
 */
double jp_latency_quantile(const struct jp_stats_shot *shot, double q);

/* As bytes of the admin protocol. Errors stick to `buf`. */
void jp_stats_put(struct jp_buf *buf, const struct jp_stats_shot *shot);
void jp_stats_get(struct jp_buf *buf, struct jp_stats_shot *shot);

#endif
