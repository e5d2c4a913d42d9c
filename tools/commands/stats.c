/*
 * pat-admin stats: what patd has counted since its start, and how large the
 * store is: for people, as JSON, or in the text format of Prometheus.
 */
#include "tools/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/store/store.h"
#include "common/sys/exposition.h"
#include "common/sys/time_text.h"
#include "config.h"
#include "tools/cli/cluster_report.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"
#include "tools/formats/whole_file.h"

/* Does not compile where that is no uint64_t. */
#define AT(field)                                                              \
	_Generic(&((struct jp_admin_item *)NULL)->field, uint64_t *            \
	         : offsetof(struct jp_admin_item, field))
#define NS_PER_S 1e9
#define NAME(name) "jira_pat_" name

/*
 * The single numbers: the name for people and JSON is `group`.`name` (of no
 * group if that is ""), the other one is for Prometheus. Those of the store are
 * known without a patd, too.
 */
static const struct metric {
	const char *group, *name;
	struct jp_metric metric;
	size_t at; /* a uint64_t of the item */
} metrics[] = {
	{ "", "argon2_runs",
	    { NAME("argon2_runs_total"), "counter",
	        "Argon2id runs for verifications." },
	    AT(argon2_runs) },
	{ "memo", "hits",
	    { NAME("memo_hits_total"), "counter",
	        "Questions answered without Argon2id." },
	    AT(memo.hits) },
	{ "memo", "misses",
	    { NAME("memo_misses_total"), "counter",
	        "Look-ups of tokens that the memo did not know." },
	    AT(memo.misses) },
	{ "memo", "inserts",
	    { NAME("memo_inserts_total"), "counter",
	        "Tokens that the memo learned." },
	    AT(memo.inserts) },
	{ "memo", "evictions",
	    { NAME("memo_evictions_total"), "counter",
	        "Tokens that left the memo early, for want of room." },
	    AT(memo.evictions) },
	{ "memo", "entries",
	    { NAME("memo_entries"), "gauge",
	        "Places of the memo that are taken." },
	    AT(memo.entries) },
	{ "memo", "kept",
	    { NAME("memo_kept"), "gauge",
	        "Tokens that the memo knew when patd started." },
	    AT(stats.kept) },
	{ "queue", "depth",
	    { NAME("queue_depth"), "gauge",
	        "Argon2id runs that wait for a worker." },
	    AT(stats.queued) },
	{ "queue", "max",
	    { NAME("queue_max"), "gauge", "Argon2id runs that may wait." },
	    AT(stats.max_queued) },
	{ "queue", "lookups",
	    { NAME("name_lookups"), "gauge",
	        "Look-ups of the name service that wait or are under way." },
	    AT(stats.lookups) },
	{ "queue", "late",
	    { NAME("late_answers_total"), "counter",
	        "Questions that were not decided in time." },
	    AT(stats.late) },
	{ "", "hash_memory",
	    { NAME("hash_memory_bytes"), "gauge",
	        "Bytes of Argon2id's memory, in use or kept for a minute." },
	    AT(stats.hash_memory) },
	{ "connections", "open",
	    { NAME("connections"), "gauge", "Open connections for questions." },
	    AT(stats.connections) },
	{ "connections", "max",
	    { NAME("connections_max"), "gauge",
	        "Connections for questions that may be open." },
	    AT(stats.max_connections) },
	{ "connections", "refused",
	    { NAME("connections_refused_total"), "counter",
	        "Connections that were refused." },
	    AT(stats.refused) },
	{ "log", "lost",
	    { NAME("log_lost_lines_total"), "counter",
	        "Lines of the log that were lost, for its reader was too "
	        "slow." },
	    AT(stats.log_lost) },
	{ "audit", "lost",
	    { NAME("audit_lost_lines_total"), "counter",
	        "Lines that the audit trail did not get." },
	    AT(stats.audit_lost) },
	{ "store", "records",
	    { NAME("store_records"), "gauge",
	        "Records of tokens in the store." },
	    AT(store.records) },
	{ "store", "commits",
	    { NAME("store_commits_total"), "counter",
	        "Commits since the store was made." },
	    AT(store.commits) },
	{ "store", "bytes",
	    { NAME("store_bytes"), "gauge", "Bytes of the store's files." },
	    AT(store.bytes) },
	{ "store", "reserve",
	    { NAME("store_reserve_bytes"), "gauge",
	        "Bytes kept on the disk for revocations; less than there may "
	        "be: the disk is full." },
	    AT(store.reserve) },
	{ "store", "reads",
	    { NAME("store_reads_total"), "counter",
	        "Records read from the store." },
	    AT(store.reads) },
};

enum {
	METRICS = sizeof(metrics) / sizeof(metrics[0]),
};

static const double quantiles[] = { 0.5, 0.99 };

static struct stats_args {
	bool prometheus;
	const char *output; /* NULL: standard output */
} args;

static const struct cmd_option options[] = {
	CMD_FLAG("--prometheus", "print the text format of Prometheus",
	    struct stats_args, prometheus),
	CMD_TEXT("--output", "FILE",
	    "replace FILE by that, whole or not at all", struct stats_args,
	    output),
};

static uint64_t
value_of(const struct metric *metric, const struct jp_admin_item *item)
{
	uint64_t value;

	memcpy(&value, (const char *)item + metric->at, sizeof(value));
	return value;
}

/* Whether there is such a number: without patd, only of the store, and without
 * that none. */
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
print_text(
    const struct jp_admin_item *item, const struct cluster_report *cluster)
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
	if (cluster->is_there) {
		print_number("cluster", "applied", cluster->here.applied);
		print_number("cluster", "behind",
		    cluster_report_lag(cluster, cluster->here.applied));
	}
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
print_json(
    const struct jp_admin_item *item, const struct cluster_report *cluster)
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
	if (cluster->is_there)
		(void)json_object_set_new(
		    object, "cluster", cluster_report_json(cluster));
	return output_json(object);
}

/* ---- Prometheus ---- */

/* All reasons, always: a counter that appears late has no rate. */
static void
expose_requests(FILE *out, const struct jp_stats_shot *stats)
{
	static const struct jp_metric metric = { NAME("requests_total"),
		"counter", "Answers, by verdict and reason." };
	char labels[96];

	jp_expose_head(out, &metric);
	for (int i = JP_REASON_NONE + 1; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;

		(void)snprintf(labels, sizeof(labels),
		    "verdict=\"%s\",reason=\"%s\"",
		    jp_verdict_name(jp_reason_verdict(reason)),
		    jp_reason_name(reason));
		jp_expose(out, &metric, labels, stats->reasons[i]);
	}
}

static void
expose_counts(FILE *out, const struct jp_stats_shot *stats)
{
	static const struct jp_metric start = { NAME("start_time_seconds"),
		"gauge", "When patd started, in seconds since 1970 UTC." };
	static const struct jp_metric times = { NAME("answer_seconds"),
		"histogram",
		"Time from reading a question to sending its answer." };

	jp_expose_one(out, &start, stats->started_at);
	expose_requests(out, stats);
	jp_expose_head(out, &times);
	jp_expose_times(out, &times, "", stats->latency, stats->latency_ns);
}

/* What is known without patd and without the store. */
static void
expose_up(FILE *out, bool up)
{
	static const struct jp_metric metric = { NAME("up"), "gauge",
		"Whether patd runs." };
	static const struct jp_metric version = { NAME("build_info"), "gauge",
		"The version, as a label." };

	jp_expose_one(out, &metric, up);
	jp_expose_head(out, &version);
	jp_expose(out, &version, "version=\"" PACKAGE_VERSION "\"", 1);
}

static enum jp_err
print_prometheus(FILE *out, const struct jp_admin_item *item,
    const struct cluster_report *cluster)
{
	static const struct jp_metric most = { NAME("store_reserve_max_bytes"),
		"gauge", "Bytes kept on the disk while it is not full." };

	expose_up(out, item->stats.started_at != 0);
	if (item->stats.started_at != 0)
		expose_counts(out, &item->stats);
	for (size_t i = 0; i < METRICS; i++)
		if (is_known(&metrics[i], item))
			jp_expose_one(out, &metrics[i].metric,
			    value_of(&metrics[i], item));
	jp_expose_one(out, &most, JP_STORE_RESERVE);
	if (cluster->is_there)
		cluster_report_expose(out, cluster);
	return JP_ERR_OK;
}

/* ---- the answer ---- */

struct printer {
	const struct context *context;
	FILE *out; /* for Prometheus */
	bool has_item, printed;
	struct jp_admin_item item;
	struct cluster_report cluster;
};

static enum jp_err
take_item(void *arg, const struct jp_admin_item *item)
{
	struct printer *printer = arg;

	if (item->kind != JP_ITEM_STATS)
		return cluster_report_take(&printer->cluster, item);
	if (printer->has_item)
		return JP_ERR_PROTOCOL;
	printer->has_item = true;
	printer->item = *item;
	return JP_ERR_OK;
}

static enum jp_err
print_answer(struct printer *printer)
{
	if (!printer->has_item)
		return JP_ERR_PROTOCOL;
	printer->printed = true;
	if (printer->context->json)
		return print_json(&printer->item, &printer->cluster);
	return args.prometheus ? print_prometheus(printer->out, &printer->item,
	                             &printer->cluster)
	                       : print_text(&printer->item, &printer->cluster);
}

static enum jp_err
ask(struct context *context, struct printer *printer, struct jp_why *why)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_STATS };
	struct session session;
	enum jp_err err = session_open(&session, context, why);

	if (err != JP_ERR_OK)
		return err;
	err = session_run(&session, &request, take_item, printer, why);
	session_close(&session);
	return err == JP_ERR_OK ? print_answer(printer) : err;
}

/* Whether there is no patd, or it went away. */
static bool
is_down(const struct context *context, enum jp_err err)
{
	return context->loaded && err != JP_ERR_OK &&
	       (err == JP_ERR_UNREACHABLE || !session_patd_listens(context));
}

/* That patd does not run is a thing to watch for: it is told in any case. */
static enum status
print_stats(struct context *context, FILE *out)
{
	static struct printer printer;
	struct jp_why why = { .text = "" };
	enum status status = STATUS_DONE;
	enum jp_err err;

	printer.context = context;
	printer.out = out;
	err = ask(context, &printer, &why);
	if (err != JP_ERR_OK)
		status = context_fail(context, err, &why);
	if (!args.prometheus || printer.printed || !is_down(context, err))
		return status;
	expose_up(out, false);
	return STATUS_DONE;
}

/* ---- into a file ---- */

/*
 * Without patd, the one who opens the store gives up root for good, and could
 * not replace root's file any more: so it is a process of its own.
 */
static noreturn void
write_into_pipe(struct context *context, const int pipe_fds[2])
{
	FILE *out = fdopen(pipe_fds[1], "w");
	enum status status = STATUS_UNAVAILABLE;

	(void)close(pipe_fds[0]);
	if (out != NULL)
		status = print_stats(context, out);
	if (out != NULL && fclose(out) != 0)
		status = STATUS_UNAVAILABLE;
	_exit((int)status);
}

/* Until the writer has ended; how it did: of waitpid(2). */
static int
copy(int fd, pid_t writer, FILE *to)
{
	char bytes[4096];
	ssize_t len;
	int ended = -1;

	do {
		len = read(fd, bytes, sizeof(bytes));
		if (len > 0)
			(void)fwrite(bytes, 1, (size_t)len, to);
	} while (len > 0 || (len < 0 && errno == EINTR));
	while (waitpid(writer, &ended, 0) < 0 && errno == EINTR)
		continue;
	return ended;
}

/* JP_ERR_OK with a status that is not STATUS_DONE: the writer has said why. */
static enum jp_err
fill(struct context *context, FILE *to, enum status *status, struct jp_why *why)
{
	int pipe_fds[2], ended;
	pid_t writer;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot make a pipe: %s", strerror(errno));
	writer = fork();
	if (writer == 0)
		write_into_pipe(context, pipe_fds);
	(void)close(pipe_fds[1]);
	ended = writer > 0 ? copy(pipe_fds[0], writer, to) : -1;
	(void)close(pipe_fds[0]);
	if (writer < 0 || !WIFEXITED(ended))
		return jp_why(why, JP_ERR_IO, "the process that asks %s",
		    writer < 0 ? "cannot be started" : "was killed");
	*status = (enum status)WEXITSTATUS(ended);
	return JP_ERR_OK;
}

static enum status
write_file(struct context *context)
{
	struct whole_file file;
	struct jp_why why;
	enum status status = STATUS_DONE;
	enum jp_err err = whole_file_open(&file, args.output, &why);

	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	err = fill(context, file.file, &status, &why);
	if (err == JP_ERR_OK && status == STATUS_DONE)
		err = whole_file_finish(&file, &why);
	else
		whole_file_drop(&file);
	return err == JP_ERR_OK ? status : context_fail(context, err, &why);
}

static enum status
run(struct context *context)
{
	struct jp_why why;

	if (context->json && args.prometheus)
		return context_fail(context,
		    jp_why(&why, JP_ERR_INVALID,
		        "--json and --prometheus: choose one"),
		    &why);
	if (args.output == NULL)
		return print_stats(context, stdout);
	if (args.prometheus)
		return write_file(context);
	return context_fail(context,
	    jp_why(&why, JP_ERR_INVALID, "--output needs --prometheus"), &why);
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
