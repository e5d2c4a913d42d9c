#include "pat_clusterd/pq_conninfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/net.h"
#include "common/config/conninfo_files.h"

enum {
	PATIENCE_S = 5, /* for one server, where connect_timeout is not given */
	PATIENCE_MAX_S = 300,
};

/* What libpq gets unless the conninfo says something else. */
static const struct {
	const char *key, *value;
} usual[] = {
	{ "client_encoding", "UTF8" },
	/* It would be taken in place of TLS, whatever sslmode says. */
	{ "gssencmode", "disable" },
	/* A peer that is gone is found within half a minute, and one that takes
	 * nothing, too. */
	{ "keepalives_idle", "10" },
	{ "keepalives_interval", "5" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "25000" },
};

/* What it must not say, and what to do instead. */
static const struct {
	const char *key, *instead;
} refused[] = {
	{ "password", "put it into a file that only the user of pat-clusterd "
	              "reads, and name that by passfile=" },
	{ "sslpassword", "use a key without one, which only the user of "
	                 "pat-clusterd reads" },
	{ "service", "write out what it stands for" },
};

static enum jp_err
wrong(struct jp_why *why, const char *text)
{
	return jp_why(why, JP_ERR_CONFIG, "[cluster] conninfo: %s", text);
}

const char *
conninfo_value(const struct conninfo *info, const char *keyword)
{
	for (const PQconninfoOption *option = info->options;
	     option != NULL && option->keyword != NULL; option++)
		if (strcmp(option->keyword, keyword) == 0)
			return option->val;
	return NULL;
}

/* ---- servers ---- */

/* One piece between commas; false: it is too long. */
static bool
next_piece(const char **from, char *piece, size_t size)
{
	size_t len = strcspn(*from, ",");

	if (len >= size)
		return false;
	memcpy(piece, *from, len);
	piece[len] = '\0';
	*from += len;
	if (**from == ',')
		(*from)++;
	return true;
}

static size_t
count_pieces(const char *text)
{
	size_t count = text != NULL && text[0] != '\0' ? 1 : 0;

	for (; text != NULL && *text != '\0'; text++)
		count += *text == ',';
	return count;
}

/* A list of one server each; one port is that of all. */
static enum jp_err
read_lists(struct conninfo *info, const char *host, const char *hostaddr,
    const char *port, struct jp_why *why)
{
	const bool one_port = count_pieces(port) == 1;
	bool fits = true;

	for (size_t i = 0; fits && i < info->server_len; i++) {
		struct conninfo_server *server = &info->servers[i];
		const char *again = port;

		fits = next_piece(&host, server->host, sizeof(server->host)) &&
		       next_piece(&hostaddr, server->hostaddr,
		           sizeof(server->hostaddr)) &&
		       next_piece(one_port ? &again : &port, server->port,
		           sizeof(server->port));
	}
	return fits ? JP_ERR_OK : wrong(why, "a host or a port is too long");
}

static enum jp_err
read_servers(struct conninfo *info, struct jp_why *why)
{
	const char *host = conninfo_value(info, "host");
	const char *hostaddr = conninfo_value(info, "hostaddr");
	const char *port = conninfo_value(info, "port");
	const size_t hosts = count_pieces(host);
	const size_t addresses = count_pieces(hostaddr);
	const size_t ports = count_pieces(port);

	info->server_len = hosts > addresses ? hosts : addresses;
	if (info->server_len == 0)
		info->server_len = 1;
	if (info->server_len > CONNINFO_SERVERS_MAX)
		return wrong(why, "it names more than 16 hosts");
	if ((hosts > 0 && addresses > 0 && hosts != addresses) ||
	    (ports > 1 && ports != info->server_len))
		return wrong(why, "host, hostaddr and port name different "
		                  "numbers of servers");
	return read_lists(info, host != NULL ? host : "",
	    hostaddr != NULL ? hostaddr : "", port != NULL ? port : "", why);
}

/* ---- what is refused ---- */

bool
conninfo_is_near(const char *address)
{
	static const char *const near[] = { "127.0.0.0/8", "::1" };
	struct jp_net net;
	struct jp_why why;

	if (address == NULL || address[0] == '\0' || address[0] == '/' ||
	    address[0] == '@')
		return true;
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (jp_net_parse(near[i], &net, &why) == JP_ERR_OK &&
		    jp_net_contains(&net, address))
			return true;
	return false;
}

bool
conninfo_takes(const struct conninfo *info, const char *address)
{
	return info->encrypted || info->insecure || conninfo_is_near(address);
}

/* By what it is called: where it really is is seen once it is connected. */
static bool
is_near(const struct conninfo_server *server)
{
	if (server->hostaddr[0] != '\0')
		return conninfo_is_near(server->hostaddr);
	return strcmp(server->host, "localhost") == 0 ||
	       conninfo_is_near(server->host);
}

static enum jp_err
check_encryption(const struct conninfo *info, struct jp_why *why)
{
	if (info->encrypted || info->insecure)
		return JP_ERR_OK;
	for (size_t i = 0; i < info->server_len; i++) {
		const struct conninfo_server *server = &info->servers[i];

		if (!is_near(server))
			return jp_why(why, JP_ERR_CONFIG,
			    "[cluster] conninfo: \"%s\" is another machine, "
			    "and "
			    "without sslmode=verify-full (and "
			    "sslrootcert=FILE) "
			    "nobody knows who answers there; \"insecure = "
			    "yes\" "
			    "takes the connection all the same",
			    server->hostaddr[0] != '\0' ? server->hostaddr
			                                : server->host);
	}
	return JP_ERR_OK;
}

static enum jp_err
check_refused(const struct conninfo *info, struct jp_why *why)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *value = conninfo_value(info, refused[i].key);

		if (value != NULL && value[0] != '\0')
			return jp_why(why, JP_ERR_CONFIG,
			    "[cluster] conninfo: it must not have %s: %s",
			    refused[i].key, refused[i].instead);
	}
	return JP_ERR_OK;
}

/* ---- reading ---- */

/*
 * libpq quotes what it does not understand, which may be a piece of a password.
 */
static enum jp_err
not_read(const char *text, const char *problem, struct jp_why *why)
{
	const bool may_say = problem != NULL &&
	                     strcasestr(text, "password") == NULL &&
	                     strstr(text, "://") == NULL;
	char line[CONNINFO_TEXT_MAX];

	(void)snprintf(line, sizeof(line), "%s",
	    may_say ? problem : "libpq cannot read it");
	line[strcspn(line, "\n")] = '\0';
	jp_cut_end(line);
	return wrong(why, line);
}

static int64_t
patience_of(const char *timeout)
{
	long seconds = timeout != NULL ? strtol(timeout, NULL, 10) : 0;

	if (seconds <= 0)
		seconds = PATIENCE_S;
	return (seconds < PATIENCE_MAX_S ? seconds : PATIENCE_MAX_S) * 1000;
}

enum jp_err
conninfo_read(
    struct conninfo *info, const char *text, bool insecure, struct jp_why *why)
{
	const char *mode;
	char *problem = NULL;
	enum jp_err err;

	memset(info, 0, sizeof(*info));
	info->text = text;
	info->insecure = insecure;
	info->options = PQconninfoParse(text, &problem);
	if (info->options == NULL) {
		err = not_read(text, problem, why);
		PQfreemem(problem);
		return err;
	}
	mode = conninfo_value(info, "sslmode");
	info->encrypted = mode != NULL && strcmp(mode, "verify-full") == 0;
	info->patience_ms =
	    patience_of(conninfo_value(info, "connect_timeout"));
	err = check_refused(info, why);
	if (err == JP_ERR_OK)
		err = read_servers(info, why);
	return err == JP_ERR_OK ? check_encryption(info, why) : err;
}

void
conninfo_free(struct conninfo *info)
{
	PQconninfoFree(info->options);
	info->options = NULL;
}

enum jp_err
conninfo_check_files(const struct conninfo *info,
    const struct jp_account *account, struct jp_why *why)
{
	struct jp_why problem;

	for (size_t i = 0; jp_conninfo_file_key(i) != NULL; i++)
		if (jp_conninfo_file_check(info->text, i, account, info->user,
		        &problem) != JP_ERR_OK)
			return wrong(why, problem.text);
	return JP_ERR_OK;
}

/* ---- use ---- */

void
conninfo_param(
    struct conninfo_params *params, const char *key, const char *value)
{
	size_t i = 0;

	while (params->keys[i] != NULL && strcmp(params->keys[i], key) != 0)
		i++;
	if (value == NULL || i + 1 >= CONNINFO_PARAMS_MAX)
		return;
	params->keys[i] = key;
	params->values[i] = value;
}

void
conninfo_params(const struct conninfo *info, size_t server, const char *name,
    struct conninfo_params *params)
{
	const struct conninfo_server *at = &info->servers[server];

	memset(params, 0, sizeof(*params));
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		conninfo_param(params, usual[i].key, usual[i].value);
	for (const PQconninfoOption *option = info->options;
	     option != NULL && option->keyword != NULL; option++)
		conninfo_param(params, option->keyword, option->val);
	conninfo_param(params, "host", at->host);
	conninfo_param(params, "hostaddr", at->hostaddr);
	conninfo_param(params, "port", at->port);
	conninfo_param(params, "application_name", name);
}
