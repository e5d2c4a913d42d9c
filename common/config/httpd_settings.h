/*
 * What pat-httpd is told: the sections [pat-httpd] and [listener NAME].
 */
#ifndef JP_HTTPD_SETTINGS_H
#define JP_HTTPD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/text.h"

#define JP_UNIX_PATH_MAX 107 /* of sun_path, unix(7) */
#define JP_LIST_MAX 32
#define JP_ACCOUNT_MAX 32 /* bytes of a local user's or group's name */
#define JP_LISTENERS_MAX 8
#define JP_LISTENER_NAME_MAX 32
#define JP_HEADER_NAME_MAX 64
#define JP_FCGI_PORT_SAFE 1024 /* below it, only root can take the port */

struct jp_accounts {
	size_t len;
	char names[JP_LIST_MAX][JP_ACCOUNT_MAX + 1];
};

enum jp_listener_protocol {
	JP_LISTENER_HTTP,
	JP_LISTENER_FCGI,
	JP_LISTENER_METRICS, /* HTTP, of GET /metrics alone */
	JP_LISTENER_PROTOCOLS,
};

/*
 * One [listener NAME] section. The headers are those of HTTP, "" in FastCGI,
 * which has variables of its own; method_header and uri_header are also "" if
 * source_is_request.
 */
struct jp_listener {
	char name[JP_LISTENER_NAME_MAX + 1];
	enum jp_listener_protocol protocol;
	char listen[JP_UNIX_PATH_MAX + 1]; /* "": NAME.sock in run_dir */
	bool source_is_request;            /* of method and URI */
	char method_header[JP_HEADER_NAME_MAX + 1];
	char uri_header[JP_HEADER_NAME_MAX + 1];
	char address_header[JP_HEADER_NAME_MAX + 1];
	char service[JP_SERVICE_MAX + 1]; /* FastCGI, role 2; "": none */
};

struct jp_httpd_settings {
	bool configured; /* the file has a key or a listener of it */
	char user[JP_ACCOUNT_MAX + 1]; /* whom pat-httpd becomes */
	char user_header[JP_HEADER_NAME_MAX + 1];
	struct jp_accounts allow_users; /* who may ask on Unix sockets */
	struct jp_accounts allow_groups;
	uint32_t max_connections;
	uint32_t max_per_uid;
	bool sandbox;        /* it confines itself once it has started */
	size_t listener_len; /* http and fcgi first, which are built in */
	struct jp_listener listeners[JP_LISTENERS_MAX];
};

/* Room for the address of a listener: a path, or 127.0.0.1:PORT, [::1]:PORT. */
#define JP_LISTEN_TEXT_MAX (JP_UNIX_PATH_MAX + 1)

/* Its address as the configuration would spell it, with run_dir in it. */
void jp_listener_format(const struct jp_listener *listener, const char *run_dir,
    char text[JP_LISTEN_TEXT_MAX]);

/*
 * Reads such a text into a socket address: an absolute path without "//", "."
 * and "..", or a port of 127.0.0.1 or [::1]. JP_ERR_INVALID for all else.
 */
enum jp_err jp_listen_parse(
    const char *text, struct sockaddr_storage *address, socklen_t *len);

/* The port of such a text; 0: it is a path, or nothing of the kind. */
uint16_t jp_listen_port(const char *text);

#endif
