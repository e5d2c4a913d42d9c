/*
 * Several hosts with the same tokens: the section [cluster]. patd asks here
 * whether it is one of them; pat-clusterd, where the database is.
 */
#ifndef JP_CLUSTER_SETTINGS_H
#define JP_CLUSTER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/conninfo.h"
#include "common/config/httpd_settings.h"

#define JP_NODE_MAX 63 /* bytes of the name of a host of a cluster */

/* For how many seconds a lease may be asked. */
#define JP_LEASE_MIN 5
#define JP_LEASE_MAX 300

struct jp_cluster_settings {
	bool configured; /* the file has a key of it */
	char conninfo[JP_CONNINFO_MAX + 1];
	char node[JP_NODE_MAX + 1];    /* "": there is no section */
	int64_t lease;                 /* seconds */
	char user[JP_ACCOUNT_MAX + 1]; /* who pat-clusterd becomes */
	bool insecure; /* a connection that nothing protects is taken, too */
};

/* 1 to 63 letters, digits, ".", "_" and "-", the first no ".". */
bool jp_node_name_valid(const char *name);

/*
 * What the keys together mean: the name of this host is that of the machine
 * where none was given. JP_ERR_CONFIG; `file` is what people call the file.
 */
enum jp_err jp_cluster_settings_fill(
    struct jp_cluster_settings *cluster, const char *file, struct jp_why *why);

#endif
