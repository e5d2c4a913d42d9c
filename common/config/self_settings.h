/*
 * What the page and the REST interface of users are told: the section
 * [self_service]. pat-httpd serves them; patd asks here who may be named.
 */
#ifndef JP_SELF_SETTINGS_H
#define JP_SELF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/httpd_settings.h"
#include "common/record/record.h"
#include "common/record/user.h"

#define JP_URL_MAX 160 /* bytes of an address of a page */

/* For how many seconds a link may be valid that fetches a token. */
#define JP_LINK_LIFETIME_MIN 60
#define JP_LINK_LIFETIME_MAX (INT64_C(30) * 86400)

/* X(CODE, name): which users of the single sign-on may come. */
#define JP_SELF_USERS_LIST(X)                                                  \
	X(ALL, "all")                                                          \
	X(KNOWN, "known") /* those with a token, or known to pat-admin user */

enum jp_self_users {
#define JP_SELF_USERS_ENUM(code, name) JP_SELF_USERS_##code,
	JP_SELF_USERS_LIST(JP_SELF_USERS_ENUM)
#undef JP_SELF_USERS_ENUM
};

/* Texts are "" where nothing was given and there is no default. */
struct jp_self_settings {
	bool
	    configured; /* the file has a key of it: pat-httpd may name users */
	struct jp_accounts
	    trusted_peers; /* who may name one, on Unix sockets */
	char user_header[JP_HEADER_NAME_MAX + 1];
	enum jp_self_users users;
	char admin_group[JP_GROUP_MAX + 1]; /* of users, not a local group */
	int64_t max_auth_age; /* seconds; JP_NEVER: a login has no age */
	char auth_time_header[JP_HEADER_NAME_MAX + 1];
	char login_url[JP_URL_MAX + 1]; /* "/path" or https://host... */
	char logout_url[JP_URL_MAX + 1];
	char url[JP_URL_MAX + 1]; /* of the page, without a "/" at the end */
	char api_url[JP_URL_MAX + 1]; /* where tokens are used; the same */
	size_t service_len;
	char services[JP_SERVICES_MAX][JP_SERVICE_MAX + 1];
	int64_t link_lifetime; /* seconds, never JP_NEVER */
	bool rest;
};

#endif
