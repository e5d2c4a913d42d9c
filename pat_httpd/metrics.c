#include "pat_httpd/metrics.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/sys/log.h"
#include "config.h"

#define NAME(name) "jira_pat_httpd_" name

enum {
	LABELS_MAX = 96,
};

static const char *const protocols[JP_LISTENER_PROTOCOLS] = {
	[JP_LISTENER_HTTP] = "http",
	[JP_LISTENER_FCGI] = "fastcgi",
	[JP_LISTENER_METRICS] = "metrics",
};

/* Those on which proxies ask. */
static const enum jp_listener_protocol asked[] = { JP_LISTENER_HTTP,
	JP_LISTENER_FCGI };

/* ---- what proxies hear ---- */

/* All kinds, always: a counter that appears late has no rate. */
static void
expose_answers(FILE *out, const struct counts *counts,
    enum jp_listener_protocol protocol, const struct jp_metric *metric)
{
	char labels[LABELS_MAX], name[32];

	for (int i = 0; i < ANSWER_COUNT; i++) {
		enum answer_kind kind = (enum answer_kind)i;
		size_t len = 0;

		for (const char *at = answer_name(kind); *at != '\0'; at++)
			name[len++] = (char)tolower((unsigned char)*at);
		name[len] = '\0';
		(void)snprintf(labels, sizeof(labels),
		    "protocol=\"%s\",answer=\"%s\",code=\"%u\"",
		    protocols[protocol], name, answer_status(kind));
		jp_expose(out, metric, labels, counts->of[protocol].answers[i]);
	}
}

static void
expose_asked(FILE *out, const struct counts *counts)
{
	static const struct jp_metric answers = { NAME("answers_total"),
		"counter", "Answers to proxies, by kind and status." };
	static const struct jp_metric times = { NAME("answer_seconds"),
		"histogram",
		"Time from reading a question of a proxy to its answer." };
	char labels[LABELS_MAX];

	jp_expose_head(out, &answers);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		expose_answers(out, counts, asked[i], &answers);
	jp_expose_head(out, &times);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct counts_of_protocol *of = &counts->of[asked[i]];

		(void)snprintf(labels, sizeof(labels), "protocol=\"%s\"",
		    protocols[asked[i]]);
		jp_expose_times(out, &times, labels, of->times, of->times_ns);
	}
}

/* ---- connections ---- */

static void
expose_taken(FILE *out, const struct counts *counts)
{
	static const struct jp_metric metric = { NAME("connections_total"),
		"counter", "Connections that were taken." };
	char labels[LABELS_MAX];

	jp_expose_head(out, &metric);
	for (size_t i = 0; i < JP_LISTENER_PROTOCOLS; i++) {
		(void)snprintf(
		    labels, sizeof(labels), "protocol=\"%s\"", protocols[i]);
		jp_expose(out, &metric, labels, counts->of[i].taken);
	}
}

static void
expose_refused(FILE *out, const struct counts *counts)
{
	static const struct jp_metric metric = {
		NAME("connections_refused_total"), "counter",
		"Connections that were refused."
	};
	static const char *const labels[COUNTS_REFUSED_COUNT] = {
#define REFUSED_LABEL(code, name)                                              \
	[COUNTS_REFUSED_##code] = "reason=\"" name "\"",
		COUNTS_REFUSED_LIST(REFUSED_LABEL)
#undef REFUSED_LABEL
	};

	jp_expose_head(out, &metric);
	for (size_t i = 0; i < COUNTS_REFUSED_COUNT; i++)
		jp_expose(out, &metric, labels[i], counts->refused[i]);
}

/* ---- self-service ---- */

static void
expose_replies(FILE *out, const struct self_counts *counts)
{
	static const struct jp_metric metric = {
		NAME("self_service_replies_total"), "counter",
		"Replies of self-service, by the class of their status."
	};
	static const char *const parts[SELF_PARTS] = {
#define PART_NAME(code, name) [SELF_PART_##code] = name,
		SELF_PART_LIST(PART_NAME)
#undef PART_NAME
	};
	char labels[LABELS_MAX];

	jp_expose_head(out, &metric);
	for (size_t part = 0; part < SELF_PARTS; part++)
		for (unsigned int class = 2; class < SELF_CLASSES; class ++) {
			(void)snprintf(labels, sizeof(labels),
			    "part=\"%s\",code=\"%uxx\"", parts[part], class);
			jp_expose(
			    out, &metric, labels, counts->replies[part][class]);
		}
}

/* What users can do, of all that administrators can. */
static bool
is_act(enum jp_admin_op op)
{
	return jp_admin_op_info(op)->self != JP_SELF_NEVER &&
	       jp_admin_op_changes(op);
}

static void
expose_act(FILE *out, const struct jp_metric *metric, enum jp_admin_op op,
    const uint64_t counts[SELF_RESULT_COUNT])
{
	static const char *const results[SELF_RESULT_COUNT] = {
#define RESULT_NAME(code, name) [SELF_RESULT_##code] = name,
		SELF_RESULT_LIST(RESULT_NAME)
#undef RESULT_NAME
	};
	char labels[LABELS_MAX];

	for (size_t i = 0; i < SELF_RESULT_COUNT; i++) {
		(void)snprintf(labels, sizeof(labels),
		    "act=\"%s\",result=\"%s\"", jp_admin_op_info(op)->name,
		    results[i]);
		jp_expose(out, metric, labels, counts[i]);
	}
}

static void
expose_self(FILE *out, const struct self_counts *counts)
{
	static const struct jp_metric acts = { NAME("self_service_acts_total"),
		"counter",
		"What users did to their tokens, and how it ended." };

	expose_replies(out, counts);
	jp_expose_head(out, &acts);
	for (int i = 0; i < JP_ADMIN_OP_COUNT; i++)
		if (is_act((enum jp_admin_op)i))
			expose_act(
			    out, &acts, (enum jp_admin_op)i, counts->acts[i]);
}

/* ---- single numbers ---- */

static void
expose_numbers(FILE *out, struct service *service)
{
	const struct {
		struct jp_metric metric;
		uint64_t value;
	} numbers[] = {
		{ { NAME("start_time_seconds"), "gauge",
		      "When pat-httpd started, in seconds since 1970 UTC." },
		    (uint64_t)service->counts.started_at },
		{ { NAME("patd_up"), "gauge",
		      "Whether patd listens and answers pat-httpd." },
		    patd_link_healthy(&service->link) },
		{ { NAME("patd_questions"), "gauge",
		      "Questions that wait for an answer of patd." },
		    PATD_LINK_MAX - service->link.free_len },
		{ { NAME("patd_questions_max"), "gauge",
		      "Questions that may wait for an answer of patd." },
		    PATD_LINK_MAX },
		{ { NAME("patd_acts_waiting"), "gauge",
		      "Acts of self-service that wait for a connection to "
		      "patd." },
		    service->admin.waiting },
		{ { NAME("connections"), "gauge",
		      "Open connections of proxies." },
		    service->conns.len },
		{ { NAME("connections_max"), "gauge",
		      "Connections of proxies that may be open." },
		    service->conns.max },
		{ { NAME("log_lost_lines_total"), "counter",
		      "Lines of the log that were lost, for its reader was "
		      "too slow." },
		    jp_log_lost() },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		jp_expose_one(out, &numbers[i].metric, numbers[i].value);
}

static void
expose_all(FILE *out, struct service *service)
{
	static const struct jp_metric version = { NAME("build_info"), "gauge",
		"The version, as a label." };

	jp_expose_head(out, &version);
	jp_expose(out, &version, "version=\"" PACKAGE_VERSION "\"", 1);
	expose_numbers(out, service);
	expose_taken(out, &service->counts);
	expose_refused(out, &service->counts);
	expose_asked(out, &service->counts);
	if (service->site.settings->self.configured)
		expose_self(out, &service->site.counts);
}

char *
metrics_text(struct service *service, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	bool whole;

	if (out == NULL)
		return NULL;
	expose_all(out, service);
	whole = !ferror(out);
	if (fclose(out) == 0 && whole)
		return text;
	free(text);
	return NULL;
}
