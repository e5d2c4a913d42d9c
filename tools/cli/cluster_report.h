/*
 * What a host of a cluster knows of itself and of the others, as an answer of
 * patd says it: gathered, and written for programs.
 */
#ifndef PAT_ADMIN_CLUSTER_REPORT_H
#define PAT_ADMIN_CLUSTER_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "common/admin/admin.h"

struct cluster_report {
	bool is_there; /* this host is one of a cluster */
	struct jp_cluster_here here;
	size_t len; /* of the hosts, by name; this one is among them */
	struct jp_cluster_node nodes[JP_CLUSTER_NODES_MAX];
};

/* Takes an item; JP_ERR_PROTOCOL if it is none of a cluster, or in disorder. */
enum jp_err cluster_report_take(
    struct cluster_report *report, const struct jp_admin_item *item);

/* Whether it is one that stands behind what else patd says of itself. */
static inline bool
cluster_report_has(const struct jp_admin_item *item)
{
	return item->kind == JP_ITEM_CLUSTER || item->kind == JP_ITEM_HOST;
}

/* How many changes a host that has applied so much is behind. */
uint64_t
cluster_report_lag(const struct cluster_report *report, uint64_t applied);

/* Whether that is this host. */
bool cluster_report_is_here(
    const struct cluster_report *report, const struct jp_cluster_node *node);

/* Whether patd hears of that host: of others only with a connection. */
bool cluster_report_is_known(
    const struct cluster_report *report, const struct jp_cluster_node *node);

/*
 * For how many whole days nothing was heard of a host, by the clock of the
 * database; 0: less, or it was never there. The log is kept for it.
 */
uint64_t cluster_report_silent_days(const struct jp_cluster_node *node);

/* The id of a cluster, as people read it. */
#define CLUSTER_ID_TEXT (2 * sizeof(((struct jp_cluster_here *)NULL)->id) + 1)
void cluster_id_text(const uint8_t id[16], char text[CLUSTER_ID_TEXT]);

/* All of it; NULL: out of memory. */
json_t *cluster_report_json(const struct cluster_report *report);

/* In the text format of Prometheus. */
void cluster_report_expose(FILE *out, const struct cluster_report *report);

#endif
