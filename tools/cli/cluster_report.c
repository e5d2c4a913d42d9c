#include "tools/cli/cluster_report.h"

#include <sodium.h>
#include <string.h>

#include "common/sys/exposition.h"

#define MS_PER_S 1000.0
#define MS_PER_DAY 86400000U

/* ---- taking ---- */

enum jp_err
cluster_report_take(
    struct cluster_report *report, const struct jp_admin_item *item)
{
	if (item->kind == JP_ITEM_CLUSTER && !report->is_there) {
		report->is_there = true;
		report->here = item->here;
		return JP_ERR_OK;
	}
	if (item->kind != JP_ITEM_HOST || !report->is_there ||
	    report->len == JP_CLUSTER_NODES_MAX)
		return JP_ERR_PROTOCOL;
	report->nodes[report->len++] = item->host;
	return JP_ERR_OK;
}

uint64_t
cluster_report_lag(const struct cluster_report *report, uint64_t applied)
{
	return report->here.head > applied ? report->here.head - applied : 0;
}

bool
cluster_report_is_here(
    const struct cluster_report *report, const struct jp_cluster_node *node)
{
	return strcmp(node->name, report->here.node) == 0;
}

bool
cluster_report_is_known(
    const struct cluster_report *report, const struct jp_cluster_node *node)
{
	return report->here.link == JP_CLUSTER_CONNECTED ||
	       cluster_report_is_here(report, node);
}

uint64_t
cluster_report_silent_days(const struct jp_cluster_node *node)
{
	return node->contact_ms != UINT64_MAX ? node->contact_ms / MS_PER_DAY
	                                      : 0;
}

void
cluster_id_text(const uint8_t id[16], char text[CLUSTER_ID_TEXT])
{
	(void)sodium_bin2hex(text, CLUSTER_ID_TEXT, id, 16);
}

/* ---- JSON ---- */

static json_t *
json_s(uint64_t ms)
{
	return json_real((double)ms / MS_PER_S);
}

static json_t *
json_node(
    const struct cluster_report *report, const struct jp_cluster_node *node)
{
	return json_pack("{s:s,s:b,s:I,s:I,s:o,s:o,s:o,s:I,s:s}", "node",
	    node->name, "here", (int)cluster_report_is_here(report, node),
	    "applied", (json_int_t)node->applied, "lag",
	    (json_int_t)cluster_report_lag(report, node->applied), "lease",
	    json_s(node->lease_ms), "lease_run_out",
	    cluster_report_is_known(report, node) ? json_boolean(node->cut_off)
	                                          : json_null(),
	    "contact",
	    node->contact_ms != UINT64_MAX ? json_s(node->contact_ms)
	                                   : json_null(),
	    "leases", (json_int_t)node->grants, "version", node->version);
}

static json_t *
json_database(const struct jp_cluster_here *here)
{
	return json_pack("{s:s,s:s,s:o,s:b,s:b,s:b}", "state",
	    jp_cluster_link_name(here->link), "why", here->text, "server",
	    here->database[0] != '\0' ? json_string(here->database)
	                              : json_null(),
	    "primary", (int)here->primary, "tls", (int)here->tls, "synchronous",
	    (int)here->synchronous);
}

json_t *
cluster_report_json(const struct cluster_report *report)
{
	const struct jp_cluster_here *here = &report->here;
	json_t *nodes = json_array();
	char id[CLUSTER_ID_TEXT];

	cluster_id_text(here->id, id);
	for (size_t i = 0; i < report->len; i++)
		(void)json_array_append_new(
		    nodes, json_node(report, &report->nodes[i]));
	return json_pack("{s:s,s:s,s:I,s:I,s:o,s:o,s:o,s:o}", "cluster", id,
	    "node", here->node, "applied", (json_int_t)here->applied, "lag",
	    (json_int_t)cluster_report_lag(report, here->applied), "lease",
	    json_s(here->lease_ms), "lease_left", json_s(here->lease_left_ms),
	    "database", json_database(here), "nodes", nodes);
}

/* ---- Prometheus ---- */

#define NAME(name) "jira_pat_cluster_" name

/* Do not compile where that is no uint64_t. */
#define AT(type, field)                                                        \
	_Generic(&((struct type *)NULL)->field, uint64_t *                     \
	         : offsetof(struct type, field))
#define HERE(field) AT(jp_cluster_here, field)
#define NODE(field) AT(jp_cluster_node, field)

struct row {
	struct jp_metric metric;
	size_t at;
	bool ms; /* a number of milliseconds, which goes out as seconds */
};

/* Of this host. */
static const struct row here_rows[] = {
	{ { NAME("applied"), "gauge",
	      "Changes of the cluster's log that this host has." },
	    HERE(applied), false },
	{ { NAME("head"), "gauge",
	      "Changes in the log, as far as this host has heard." },
	    HERE(head), false },
	{ { NAME("lease_seconds"), "gauge",
	      "How long a lease of this host is." },
	    HERE(lease_ms), true },
	{ { NAME("lease_left_seconds"), "gauge",
	      "What is left of it; 0: this host accepts no token." },
	    HERE(lease_left_ms), true },
	{ { NAME("leases_total"), "counter", "Leases that were granted." },
	    HERE(grants), false },
	{ { NAME("lapses_total"), "counter", "Leases that ran out." },
	    HERE(lapses), false },
	{ { NAME("commits_total"), "counter",
	      "Changes that this host has put into the log." },
	    HERE(commits), false },
	{ { NAME("conflicts_total"), "counter",
	      "Changes that were done again, as another host was faster." },
	    HERE(conflicts), false },
	{ { NAME("batches_total"), "counter",
	      "Changes of others that were applied." },
	    HERE(batches), false },
	{ { NAME("refused_batches_total"), "counter",
	      "Batches of the database that are not of this cluster." },
	    HERE(refused), false },
	{ { NAME("unavailable_total"), "counter",
	      "Answers that were withheld for want of a lease." },
	    HERE(unavailable), false },
	{ { NAME("waits_total"), "counter",
	      "Changes that waited for other hosts." },
	    HERE(waits), false },
	{ { NAME("late_total"), "counter",
	      "Those of them that waited until a lease had run out." },
	    HERE(late), false },
	{ { NAME("connections_total"), "counter",
	      "Connections to the database." },
	    HERE(connections), false },
};

/* Of each host, as the database knows it. */
static const struct row node_rows[] = {
	{ { NAME("node_applied"), "gauge",
	      "Changes that the host has told it has." },
	    NODE(applied), false },
	{ { NAME("node_contact_seconds"), "gauge",
	      "Since the database has heard of the host." },
	    NODE(contact_ms), true },
	{ { NAME("node_lease_seconds"), "gauge",
	      "How long a lease of the host is." },
	    NODE(lease_ms), true },
};

static uint64_t
value_at(const void *from, size_t at)
{
	uint64_t value;

	memcpy(&value, (const char *)from + at, sizeof(value));
	return value;
}

static void
expose(FILE *out, const struct row *row, const char *labels, uint64_t value)
{
	if (row->ms)
		jp_expose_ms(out, &row->metric, labels, value);
	else
		jp_expose(out, &row->metric, labels, value);
}

/* The name has no byte that would have to be escaped: jp_node_name_valid(). */
static void
expose_node(
    FILE *out, const struct row *row, const struct jp_cluster_node *node)
{
	char labels[JP_LINK_NAME_MAX + 16];

	(void)snprintf(labels, sizeof(labels), "node=\"%s\"", node->name);
	if (value_at(node, row->at) != UINT64_MAX) /* never heard of */
		expose(out, row, labels, value_at(node, row->at));
}

static void
expose_link(FILE *out, const struct jp_cluster_here *here)
{
	static const struct jp_metric connected = { NAME("connected"), "gauge",
		"Whether there is a connection to the database." };
	static const struct jp_metric synchronous = { NAME("synchronous"),
		"gauge", "Whether it waits for a standby." };

	jp_expose_one(out, &connected, here->link == JP_CLUSTER_CONNECTED);
	jp_expose_one(out, &synchronous, here->synchronous);
}

void
cluster_report_expose(FILE *out, const struct cluster_report *report)
{
	const struct jp_cluster_here *here = &report->here;

	expose_link(out, here);
	for (size_t i = 0; i < sizeof(here_rows) / sizeof(here_rows[0]); i++) {
		jp_expose_head(out, &here_rows[i].metric);
		expose(out, &here_rows[i], "", value_at(here, here_rows[i].at));
	}
	for (size_t i = 0; i < sizeof(node_rows) / sizeof(node_rows[0]); i++) {
		jp_expose_head(out, &node_rows[i].metric);
		for (size_t j = 0; j < report->len; j++)
			expose_node(out, &node_rows[i], &report->nodes[j]);
	}
}
