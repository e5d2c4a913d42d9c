/*
 * The policy: the rules for tokens and their hashing, which a reload can
 * change. common/config/ reads it from the configuration file.
 */
#ifndef JP_POLICY_H
#define JP_POLICY_H

#include "common/record/argon2.h"
#include "common/record/record.h"

#define JP_RULES_MAX 64
#define JP_RULE_GROUPS_MAX 255  /* bytes of the groups of a service */
#define JP_RULE_METHODS_MAX 255 /* and of its methods */
#define JP_RULE_PATHS_MAX 1023  /* and of each list of its paths */
#define JP_METHOD_MAX 32        /* bytes of a method, RFC 9110 section 9.1 */
#define JP_NOTIFY_MAX 8
#define JP_PREFIXES_MAX 8 /* beside that of new tokens */

/* Whether the server behind a service is shown the user's own credential. */
enum jp_upstream_use {
	JP_UPSTREAM_USE_NO = 0,
	JP_UPSTREAM_USE_YES = 1,      /* if one is stored */
	JP_UPSTREAM_USE_REQUIRED = 2, /* without one, no token is accepted */
};

/*
 * One [service GLOB] section. Lists have a newline between their elements. A
 * glob of a path knows "*" alone, any bytes, and begins with it or with "/".
 */
struct jp_rule {
	char glob[JP_SERVICE_MAX + 1];
	char scope[JP_SCOPE_MAX + 1];      /* "": the service names no scope */
	char read_scope[JP_SCOPE_MAX + 1]; /* enough to read; "": access does
	                                  not matter */
	char groups[JP_RULE_GROUPS_MAX + 1]; /* "": no group is asked for */
	enum jp_upstream_use upstream;
	/* What a request is: pat-httpd classifies, all above is for patd. */
	bool preflight; /* one of CORS is let through */
	char read_methods[JP_RULE_METHODS_MAX + 1]; /* "": JP_READ_METHODS */
	char read_paths[JP_RULE_PATHS_MAX + 1];     /* each "METHOD GLOB" */
	char deny_paths[JP_RULE_PATHS_MAX + 1]; /* "METHOD GLOB", or "GLOB" */
};

/* Those that read where the rule names none. */
#define JP_READ_METHODS "GET\nHEAD\nOPTIONS"

/* What a reload can change: the rules for tokens and their hashing. */
struct jp_policy {
	int64_t default_lifetime; /* seconds; JP_NEVER */
	int64_t max_lifetime;     /* seconds; JP_NEVER: unlimited */
	uint32_t max_per_user;    /* live tokens; 0: unlimited */
	bool name_required;
	bool nss_groups;      /* groups also come from the name service */
	int64_t unused_limit; /* seconds; JP_NEVER: unlimited */
	enum jp_on_reuse {
		JP_REUSE_ALERT,         /* log it */
		JP_REUSE_REVOKE_FAMILY, /* and revoke all of its family */
	} on_reuse;
	int64_t self_lifetime; /* seconds, of what users make for themselves;
	                          JP_NEVER: max_lifetime alone holds */
	size_t self_scope_len; /* 0: users may name any scope, or none */
	char self_scopes[JP_SCOPES_MAX][JP_SCOPE_MAX + 1];
	size_t notify_len;
	int64_t notify_at[JP_NOTIFY_MAX];     /* seconds before the end */
	char notify_command[JP_PATH_MAX + 1]; /* "": none */
	char prefix[JP_TOKEN_PREFIX_MAX + 1]; /* of new tokens */
	size_t accept_prefix_len;             /* and of others that are valid */
	char accept_prefixes[JP_PREFIXES_MAX][JP_TOKEN_PREFIX_MAX + 1];
	struct jp_cost cost;
	size_t rule_len;
	struct jp_rule rules[JP_RULES_MAX];
};

/*
 * The i-th of the prefixes that a token may have, that of new tokens first;
 * NULL behind the last.
 */
const char *jp_policy_prefix(const struct jp_policy *policy, size_t i);

/* Whether a token may begin with the `len` bytes of `prefix`. */
bool jp_policy_takes_prefix(
    const struct jp_policy *policy, const char *prefix, size_t len);

/* Whether any service shows upstream credentials. */
bool jp_policy_shows_upstream(const struct jp_policy *policy);

/* The first rule whose glob matches `service`, or NULL. */
const struct jp_rule *
jp_policy_rule(const struct jp_policy *policy, const char *service);

#endif
