/*
 * pat-admin stats: what patd has counted since its start, and how large the
 * store is: for people, as JSON, or in the text format of Prometheus.
 */
#include "tools/commands/commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/time_text.h"
#include "config.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

/* Does not compile where that is no uint64_t. */
#define AT(field)                                                              \
	_Generic(&((struct jp_admin_item *)NULL)->field, uint64_t *            \
	         : offsetof(struct jp_admin_item, field))
#define NS_PER_S 1e9

/*
 * The single numbers: the name for people and JSON is `group`.`name` (of no
 * group if that is ""), the other one is for Prometheus. Those of the store are
 * known without a patd, too.
 */
static const struct metric {
	const char *group, *name, *metric, *type, *help;
	size_t at; /* a uint64_t of the item */
} metrics[] = {
	{ "", "argon2_runs", "argon2_runs_total", "counter",
	    "Argon2id runs for verifications.", AT(argon2_runs) },
	{ "memo", "hits", "memo_hits_total", "counter",
	    "Questions answered without Argon2id.", AT(memo.hits) },
	{ "memo", "misses", "memo_misses_total", "counter",
	    "Look-ups of tokens that the memo did not know.", AT(memo.misses) },
	{ "memo", "inserts", "memo_inserts_total", "counter",
	    "Tokens that the memo learned.", AT(memo.inserts) },
	{ "memo", "evictions", "memo_evictions_total", "counter",
	    "Tokens that left the memo early, for want of room.",
	    AT(memo.evictions) },
	{ "memo", "entries", "memo_entries", "gauge",
	    "Places of the memo that are taken.", AT(memo.entries) },
	{ "memo", "kept", "memo_kept", "gauge",
	    "Tokens that the memo knew when patd started.", AT(stats.kept) },
	{ "queue", "depth", "queue_depth", "gauge",
	    "Argon2id runs that wait for a worker.", AT(stats.queued) },
	{ "queue", "max", "queue_max", "gauge", "Argon2id runs that may wait.",
	    AT(stats.max_queued) },
	{ "queue", "lookups", "name_lookups", "gauge",
	    "Look-ups of the name service that wait or are under way.",
	    AT(stats.lookups) },
	{ "queue", "late", "late_answers_total", "counter",
	    "Questions that were not decided in time.", AT(stats.late) },
	{ "", "hash_memory", "hash_memory_bytes", "gauge",
	    "Bytes of Argon2id's memory, in use or kept for a minute.",
	    AT(stats.hash_memory) },
	{ "connections", "open", "connections", "gauge",
	    "Open connections for questions.", AT(stats.connections) },
	{ "connections", "max", "connections_max", "gauge",
	    "Connections for questions that may be open.",
	    AT(stats.max_connections) },
	{ "connections", "refused", "connections_refused_total", "counter",
	    "Connections that were refused.", AT(stats.refused) },
	{ "log", "lost", "log_lost_lines_total", "counter",
	    "Lines of the log that were lost, for its reader was too slow.",
	    AT(stats.log_lost) },
	{ "audit", "lost", "audit_lost_lines_total", "counter",
	    "Lines that the audit trail did not get.", AT(stats.audit_lost) },
	{ "store", "records", "store_records", "gauge",
	    "Records of tokens in the store.", AT(store.records) },
	{ "store", "commits", "store_commits_total", "counter",
	    "Commits since the store was made.", AT(store.commits) },
	{ "store", "bytes", "store_bytes", "gauge",
	    "Bytes of the store's files.", AT(store.bytes) },
	{ "store", "reserve", "store_reserve_bytes", "gauge",
	    "Bytes kept on the disk for revocations; less than 2097152: the "
	    "disk is full.",
	    AT(store.reserve) },
	{ "store", "reads", "store_reads_total", "counter",
	    "Records read from the store.", AT(store.reads) },
};

enum {
	METRICS = sizeof(metrics) / sizeof(metrics[0]),
};

static const double quantiles[] = { 0.5, 0.99 };

static struct stats_args {
	bool prometheus;
} args;

static const struct cmd_option options[] = {
	CMD_FLAG("--prometheus", "print the text format of Prometheus",
	    struct stats_args, prometheus),
};

static uint64_t
value_of(const struct metric *metric, const struct jp_admin_item *item)
{
	uint64_t value;

	memcpy(&value, (const char *)item + metric->at, sizeof(value));
	return value;
}

/* Whether there is such a number: without patd, only of the store. */
static bool
is_known(const struct metric *metric, const struct jp_admin_item *item)
{
	return item->stats.started_at != 0 ||
	       strcmp(metric->group, "store") == 0;
}

static double
latency_sum(const struct jp_stats_shot *stats)
{
	return (double)stats->latency_ns / NS_PER_S;
}

/* ---- for people ---- */

static void
print_number(const char *group, const char *name, uint64_t value)
{
	char label[48];

	(void)snprintf(label, sizeof(label), "%s%s%s", group,
	    group[0] != '\0' ? " " : "", name);
	(void)printf("%-32s%" PRIu64 "\n", label, value);
}

static void
print_requests(const struct jp_stats_shot *stats)
{
	for (int i = 0; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;
		enum jp_verdict verdict = jp_reason_verdict(reason);

		if (stats->reasons[i] > 0 || verdict == JP_ACCEPT)
			print_number(jp_verdict_name(verdict),
			    verdict == JP_ACCEPT ? "" : jp_reason_name(reason),
			    stats->reasons[i]);
	}
}

static void
print_latency(const struct jp_stats_shot *stats)
{
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		(void)printf("latency p%-22.0f%.6f s\n", 100 * quantiles[i],
		    jp_latency_quantile(stats, quantiles[i]));
}

static enum jp_err
print_text(const struct jp_admin_item *item)
{
	char since[JP_WHEN_TEXT_MAX];

	if (item->stats.started_at != 0) {
		jp_when_format((int64_t)item->stats.started_at, since);
		(void)printf("%-32s%s\n", "since", since);
		print_requests(&item->stats);
		print_latency(&item->stats);
	} else {
		(void)fputs(
		    "patd is not running: only the store can be shown.\n",
		    stderr);
	}
	for (size_t i = 0; i < METRICS; i++)
		if (is_known(&metrics[i], item))
			print_number(metrics[i].group, metrics[i].name,
			    value_of(&metrics[i], item));
	return JP_ERR_OK;
}

/* ---- JSON ---- */

/* The object `name` of `object`, made if need be; "" is `object` itself. */
static json_t *
member(json_t *object, const char *name)
{
	if (name[0] == '\0')
		return object;
	if (json_object_get(object, name) == NULL)
		(void)json_object_set_new(object, name, json_object());
	return json_object_get(object, name);
}

static json_t *
json_requests(const struct jp_stats_shot *stats)
{
	json_t *requests = json_object();

	for (int i = 0; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;
		json_t *verdict = member(
		    requests, jp_verdict_name(jp_reason_verdict(reason)));

		if (reason != JP_REASON_NONE) /* never an answer */
			(void)json_object_set_new(verdict,
			    jp_reason_name(reason),
			    json_integer((json_int_t)stats->reasons[i]));
	}
	return requests;
}

/* Each bucket that is not empty: `le`, its bound in seconds, null at the end.
 */
static json_t *
json_buckets(const struct jp_stats_shot *stats)
{
	json_t *buckets = json_array();

	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++) {
		double bound = jp_latency_bound(i);

		if (stats->latency[i] > 0)
			(void)json_array_append_new(buckets,
			    json_pack("{s:o,s:I}", "le",
			        isinf(bound) ? json_null() : json_real(bound),
			        "count", (json_int_t)stats->latency[i]));
	}
	return buckets;
}

static json_t *
json_latency(const struct jp_stats_shot *stats)
{
	json_t *latency = json_pack("{s:I,s:f,s:o}", "count",
	    (json_int_t)jp_latency_count(stats), "sum", latency_sum(stats),
	    "buckets", json_buckets(stats));

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		double value = jp_latency_quantile(stats, quantiles[i]);
		char name[8];

		(void)snprintf(name, sizeof(name), "p%.0f", 100 * quantiles[i]);
		(void)json_object_set_new(latency, name,
		    isinf(value) ? json_null() : json_real(value));
	}
	return latency;
}

static enum jp_err
print_json(const struct jp_admin_item *item)
{
	json_t *object = json_object();

	(void)json_object_set_new(
	    object, "patd", json_boolean(item->stats.started_at != 0));
	if (item->stats.started_at != 0) {
		(void)json_object_set_new(object, "started_at",
		    json_time((int64_t)item->stats.started_at));
		(void)json_object_set_new(
		    object, "requests", json_requests(&item->stats));
		(void)json_object_set_new(
		    object, "latency", json_latency(&item->stats));
	}
	for (size_t i = 0; i < METRICS; i++)
		if (is_known(&metrics[i], item))
			(void)json_object_set_new(
			    member(object, metrics[i].group), metrics[i].name,
			    json_integer(
			        (json_int_t)value_of(&metrics[i], item)));
	return output_json(object);
}

/* ---- Prometheus ---- */

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void
print_head(const char *name, const char *type, const char *help)
{
	(void)printf("# HELP jira_pat_%s %s\n# TYPE jira_pat_%s %s\n", name,
	    help, name, type);
}

static void
print_gauge(const char *name, const char *help, uint64_t value)
{
	print_head(name, "gauge", help);
	(void)printf("jira_pat_%s %" PRIu64 "\n", name, value);
}

/* All reasons, always: a counter that appears late has no rate. */
static void
expose_requests(const struct jp_stats_shot *stats)
{
	print_head(
	    "requests_total", "counter", "Answers, by verdict and reason.");
	for (int i = JP_REASON_NONE + 1; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;

		(void)printf("jira_pat_requests_total{verdict=\"%s\","
		             "reason=\"%s\"} %" PRIu64 "\n",
		    jp_verdict_name(jp_reason_verdict(reason)),
		    jp_reason_name(reason), stats->reasons[i]);
	}
}

/* One bucket for each power of two. */
static void
expose_latency(const struct jp_stats_shot *stats)
{
	uint64_t count = 0;

	print_head("answer_seconds", "histogram",
	    "Time from reading a question to sending its answer.");
	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++) {
		count += stats->latency[i];
		if (i % JP_LATENCY_STEPS == 0)
			(void)printf("jira_pat_answer_seconds_bucket{le=\"%.9g"
			             "\"} %" PRIu64 "\n",
			    jp_latency_bound(i), count);
	}
	(void)printf("jira_pat_answer_seconds_bucket{le=\"+Inf\"} %" PRIu64
	             "\njira_pat_answer_seconds_sum %.9g\n"
	             "jira_pat_answer_seconds_count %" PRIu64 "\n",
	    count, latency_sum(stats), count);
}

static enum jp_err
print_prometheus(const struct jp_admin_item *item)
{
	print_gauge("up", "Whether patd runs.", item->stats.started_at != 0);
	print_head("build_info", "gauge", "The version, as a label.");
	(void)printf(
	    "jira_pat_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	if (item->stats.started_at != 0) {
		print_gauge("start_time_seconds",
		    "When patd started, in seconds since 1970 UTC.",
		    item->stats.started_at);
		expose_requests(&item->stats);
		expose_latency(&item->stats);
	}
	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *metric = &metrics[i];

		if (!is_known(metric, item))
			continue;
		print_head(metric->metric, metric->type, metric->help);
		(void)printf("jira_pat_%s %" PRIu64 "\n", metric->metric,
		    value_of(metric, item));
	}
	return JP_ERR_OK;
}

static enum jp_err
print_item(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;

	if (item->kind != JP_ITEM_STATS)
		return JP_ERR_PROTOCOL;
	if (context->json)
		return print_json(item);
	return args.prometheus ? print_prometheus(item) : print_text(item);
}

static enum status
run(struct context *context)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_STATS };
	struct jp_why why;

	if (context->json && args.prometheus)
		return context_fail(context,
		    jp_why(&why, JP_ERR_INVALID,
		        "--json and --prometheus: choose one"),
		    &why);
	return session_once(context, &request, print_item, context);
}

const struct command cmd_stats = {
	.name = "stats",
	.synopsis = "[OPTION]...",
	.help = "show what patd has counted since its start",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
