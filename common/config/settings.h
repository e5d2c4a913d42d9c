/*
 * common/config/: the configuration file.
 *
 * The configuration file, jira-pat.conf(5): INI, read by inih. An unknown
 * section or key, a key given twice, or a value out of bounds is an error that
 * names file, line and key.
 */
#ifndef JP_SETTINGS_H
#define JP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/config/cluster_settings.h"
#include "common/config/httpd_settings.h"
#include "common/config/self_settings.h"
#include "common/record/policy.h"
#include "common/record/record.h"
#include "common/record/user.h"
#include "common/wire/realm.h"

#define JP_MEMO_ENTRIES 4096U
#define JP_MEMO_ENTRIES_MAX 1048576U
#define JP_PATHS_MAX 8

/* Paths of sockets, in the order of the file. */
struct jp_paths {
	size_t len;
	char at[JP_PATHS_MAX][JP_UNIX_PATH_MAX + 1];
	enum jp_realm realms[JP_PATHS_MAX]; /* JP_REALM_COUNT: not given */
};

/* X(CODE, name): which acceptances are logged in the audit trail. */
#define JP_AUDIT_ACCEPT_LIST(X)                                                \
	X(FIRST, "first")                                                      \
	X(ALL, "all")                                                          \
	X(NONE, "none")

enum jp_audit_accept {
#define JP_AUDIT_ACCEPT_ENUM(code, name) JP_AUDIT_ACCEPT_##code,
	JP_AUDIT_ACCEPT_LIST(JP_AUDIT_ACCEPT_ENUM)
#undef JP_AUDIT_ACCEPT_ENUM
};

struct jp_settings {
	char file[JP_PATH_MAX + 1]; /* where they were read; "": defaults */
	struct jp_policy policy;
	char user[JP_ACCOUNT_MAX + 1]; /* who patd becomes */
	char run_dir[JP_UNIX_PATH_MAX + 1];
	char store_dir[JP_PATH_MAX + 1];
	char pepper_file[JP_PATH_MAX + 1];
	char upstream_key_file[JP_PATH_MAX + 1];
	char audit_file[JP_PATH_MAX + 1]; /* "": none is written */
	enum jp_audit_accept audit_accept;
	bool audit_required; /* what cannot be logged is not done */
	bool audit_syslog;   /* also to syslog(3) */
	uint32_t workers;    /* 0: one for each processor */
	uint32_t max_connections;
	uint32_t max_per_uid;
	uint32_t cache_kib;     /* KiB of the page cache of the store */
	uint32_t cache_entries; /* of the memo; 0: none */
	bool cache_file;        /* a restart goes on with the memo */
	bool sandbox;           /* patd confines itself once it has started */
	struct jp_accounts allow_users;
	struct jp_accounts allow_groups;
	char admin_group[JP_ACCOUNT_MAX + 1]; /* "": root alone */
	bool self_service;       /* local users manage their own tokens */
	struct jp_paths verify;  /* more sockets like verify.sock */
	struct jp_paths mux;     /* sockets of the saslauthd protocol */
	enum jp_realm mux_realm; /* of those without their own */
	struct jp_httpd_settings httpd;
	struct jp_self_settings self;
	struct jp_cluster_settings cluster;
};

void jp_settings_default(struct jp_settings *settings);

/*
 * Reads `file`. NULL means JP_CONFIG_FILE, which may be missing: then the
 * defaults hold. JP_ERR_MISSING, JP_ERR_PERMISSION, or JP_ERR_CONFIG, also for
 * a world-writable file.
 */
enum jp_err jp_settings_load(
    const char *file, struct jp_settings *settings, struct jp_why *why);

/* The same of what is in `from`, whatever that is; `file` is what people call
 * it. */
enum jp_err jp_settings_read(FILE *from, const char *file,
    struct jp_settings *settings, struct jp_why *why);

/* What becomes of realms on the mux at `path`, which need not be listed. */
enum jp_realm
jp_settings_realm(const struct jp_settings *settings, const char *path);

#endif
