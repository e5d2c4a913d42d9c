/*
 * The key `conninfo` of [cluster]: what of it pat-clusterd takes, and the
 * servers that it names. Whether something is wrong is found by libpq's own
 * reader; what is refused beyond that stands in conninfo.c.
 */
#ifndef PQ_CONNINFO_H
#define PQ_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "common/base/err.h"
#include "common/sys/account.h"

enum {
	CONNINFO_SERVERS_MAX = 16,
	CONNINFO_TEXT_MAX = 256,
	CONNINFO_PARAMS_MAX = 64,
};

/* One of the servers, each of which is tried in turn. */
struct conninfo_server {
	char host[CONNINFO_TEXT_MAX];     /* "": libpq's Unix socket */
	char hostaddr[CONNINFO_TEXT_MAX]; /* "": that of `host` */
	char port[16];                    /* "": libpq's */
};

struct conninfo {
	const char *text; /* the whole, which is the caller's */
	const char *user; /* whose files it names: of [cluster], or NULL */
	PQconninfoOption *options;
	size_t server_len;
	struct conninfo_server servers[CONNINFO_SERVERS_MAX];
	bool encrypted;      /* sslmode=verify-full */
	bool insecure;       /* the administrator takes what is not */
	int64_t patience_ms; /* for the connection to one server */
};

/* What PQconnectStartParams() takes; the texts are those of the conninfo. */
struct conninfo_params {
	const char *keys[CONNINFO_PARAMS_MAX];
	const char *values[CONNINFO_PARAMS_MAX];
};

/*
 * Reads `text`. JP_ERR_CONFIG with `why` for what libpq does not take, for a
 * password in it, for a service, and, unless `insecure`, for a server elsewhere
 * without sslmode=verify-full. The caller frees it; also after an error.
 */
enum jp_err conninfo_read(
    struct conninfo *info, const char *text, bool insecure, struct jp_why *why);
void conninfo_free(struct conninfo *info);

/*
 * Whether the files that it names are there, and libpq takes them in a process
 * of `account`. libpq leaves out some that are missing, such as a list of
 * revoked certificates, and does not know why it cannot read the others.
 */
enum jp_err conninfo_check_files(const struct conninfo *info,
    const struct jp_account *account, struct jp_why *why);

/* The value of a keyword; NULL: none. */
const char *conninfo_value(const struct conninfo *info, const char *keyword);

/* For that server, as `name` in the eyes of the database. */
void conninfo_params(const struct conninfo *info, size_t server,
    const char *name, struct conninfo_params *params);

/* Sets one of these; the texts stay the caller's. NULL: leaves it. */
void conninfo_param(
    struct conninfo_params *params, const char *key, const char *value);

/*
 * Whether a connection is on this machine, by what PQhostaddr() says of it: the
 * name "localhost" may mean anything. A Unix socket has no address.
 */
bool conninfo_is_near(const char *address);

/* Whether `address` may be talked to, over a connection that is not verified.
 */
bool conninfo_takes(const struct conninfo *info, const char *address);

#endif
