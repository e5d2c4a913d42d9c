/*
 * pat-admin cluster status: this host, and what each host of the cluster has
 * told of itself. Without a patd it is what the store says.
 */
#include "tools/commands/cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/cluster_report.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/cli/table.h"

#define MS_PER_S 1000

static enum jp_err
take_item(void *arg, const struct jp_admin_item *item)
{
	return cluster_report_take(arg, item);
}

/* ---- for people ---- */

static void
format_s(uint64_t ms, char text[32])
{
	(void)snprintf(text, 32, "%" PRIu64 ".%" PRIu64 " s", ms / MS_PER_S,
	    ms % MS_PER_S / 100);
}

static void
print_database(const struct jp_cluster_here *here)
{
	if (here->link != JP_CLUSTER_CONNECTED)
		(void)printf("%-9s%s%s%s\n", "database",
		    jp_cluster_link_text(here->link),
		    here->text[0] != '\0' ? ": " : "", here->text);
	else
		(void)printf("%-9s%s, %s, %s, %s%s%s\n", "database",
		    here->database, here->primary ? "primary" : "no primary",
		    here->tls ? "TLS" : "no TLS",
		    here->synchronous ? "synchronous standby"
		                      : "no synchronous standby",
		    here->text[0] != '\0' ? ": " : "", here->text);
}

static void
print_here(const struct cluster_report *report)
{
	const struct jp_cluster_here *here = &report->here;
	char id[CLUSTER_ID_TEXT], left[32], lease[32];

	cluster_id_text(here->id, id);
	format_s(here->lease_left_ms, left);
	format_s(here->lease_ms, lease);
	(void)printf("%-9s%s\n%-9s%s\n", "cluster", id, "host", here->node);
	if (here->lease_left_ms > 0)
		(void)printf("%-9s%s of %s\n", "lease", left, lease);
	else
		(void)printf("%-9snone: this host accepts no token\n", "lease");
	(void)printf("%-9s%" PRIu64 ", %" PRIu64 " behind\n", "applied",
	    here->applied, cluster_report_lag(report, here->applied));
	print_database(here);
}

static enum jp_err
print_row(struct listing *listing, const struct cluster_report *report,
    const struct jp_cluster_node *node)
{
	char name[JP_LINK_NAME_MAX + 2], applied[24], lag[24], lease[32],
	    ago[32], contact[40] = "never";
	const char *cells[] = { name, applied, lag, lease, contact,
		node->version[0] != '\0' ? node->version : "-" };

	(void)snprintf(name, sizeof(name), "%s%s", node->name,
	    cluster_report_is_here(report, node) ? "*" : "");
	(void)snprintf(applied, sizeof(applied), "%" PRIu64, node->applied);
	(void)snprintf(lag, sizeof(lag), "%" PRIu64,
	    cluster_report_lag(report, node->applied));
	format_s(node->lease_ms, lease);
	if (node->contact_ms != UINT64_MAX) {
		format_s(node->contact_ms, ago);
		(void)snprintf(contact, sizeof(contact), "%s ago", ago);
	}
	if (!cluster_report_is_known(report, node))
		cells[3] = "unknown";
	else if (node->lease_ms == 0)
		cells[3] = "none";
	else if (node->cut_off)
		cells[3] = "run out";
	return listing_row(listing, cells);
}

/* Gone for good, perhaps: then the log grows for nobody. */
static void
print_silent(const struct cluster_report *report)
{
	for (size_t i = 0; i < report->len; i++) {
		const struct jp_cluster_node *node = &report->nodes[i];
		const uint64_t days = cluster_report_silent_days(node);

		if (days > 0 && cluster_report_is_known(report, node))
			(void)printf("%s has said nothing for %" PRIu64
			             " day%s, and the database keeps %" PRIu64
			             " changes for it: if it is gone for good, "
			             "run `pat-admin cluster leave %s`\n",
			    node->name, days, days > 1 ? "s" : "",
			    cluster_report_lag(report, node->applied),
			    node->name);
	}
}

static enum jp_err
print_text(const struct cluster_report *report)
{
	static const char *const heads[] = { "NODE", "APPLIED", "LAG", "LEASE",
		"CONTACT", "VERSION" };
	static struct listing listing = { .heads = heads,
		.columns = sizeof(heads) / sizeof(heads[0]) };
	enum jp_err err = JP_ERR_OK;

	print_here(report);
	if (report->len == 0)
		return err;
	(void)putchar('\n');
	if (report->here.link != JP_CLUSTER_CONNECTED)
		(void)printf("What was last heard of the hosts:\n");
	for (size_t i = 0; i < report->len && err == JP_ERR_OK; i++)
		err = print_row(&listing, report, &report->nodes[i]);
	listing_end(&listing, err == JP_ERR_OK);
	print_silent(report);
	return err;
}

/* ---- the answer ---- */

static enum jp_err
print(const struct context *context, const struct cluster_args *args,
    const struct cluster_report *report)
{
	if (context->json)
		return output_json(cluster_report_json(report));
	if (!args->prometheus)
		return print_text(report);
	cluster_report_expose(stdout, report);
	return JP_ERR_OK;
}

enum status
cluster_status(struct context *context, const struct cluster_args *args)
{
	static const struct jp_admin_request request = { .op =
		                                             JP_ADMIN_CLUSTER };
	static struct cluster_report report;
	struct jp_why why = { .text = "" };
	enum status status =
	    session_once(context, &request, take_item, &report);
	enum jp_err err;

	if (status != STATUS_DONE)
		return status;
	if (!report.is_there) {
		(void)jp_why(&why, JP_ERR_PROTOCOL, "patd said nothing");
		return context_fail(context, JP_ERR_PROTOCOL, &why);
	}
	/* A store alone does not know by which name its host goes. */
	if (report.here.node[0] == '\0')
		(void)jp_field_set(report.here.node, sizeof(report.here.node),
		    context->settings.cluster.node);
	err = print(context, args, &report);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	return report.here.lease_left_ms > 0 ? STATUS_DONE : STATUS_NO;
}
