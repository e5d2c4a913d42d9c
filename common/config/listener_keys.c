/* The keys of [listener NAME] sections, as struct jp_listener has them. */
#include <string.h>

#include "common/config/keys.h"
#include "common/config/readers.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static enum jp_err
read_listen(void *at, const char *text, int64_t min, int64_t max)
{
	struct sockaddr_storage ignored;
	socklen_t len;

	(void)min;
	if (jp_listen_parse(text, &ignored, &len) != JP_ERR_OK)
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

static enum jp_err
read_protocol(void *at, const char *text, int64_t min, int64_t max)
{
	static const char *const names[JP_LISTENER_PROTOCOLS] = {
		[JP_LISTENER_HTTP] = "http",
		[JP_LISTENER_FCGI] = "fastcgi",
		[JP_LISTENER_METRICS] = "metrics",
	};

	(void)min;
	(void)max;
	for (size_t i = 0; i < JP_LISTENER_PROTOCOLS; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*(enum jp_listener_protocol *)at = (enum jp_listener_protocol)i;
		return JP_ERR_OK;
	}
	return JP_ERR_INVALID;
}

static enum jp_err
read_source(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	if (strcmp(text, "headers") != 0 && strcmp(text, "request") != 0)
		return JP_ERR_INVALID;
	*(bool *)at = text[0] == 'r';
	return JP_ERR_OK;
}

static enum jp_err
read_service(void *at, const char *text, int64_t min, int64_t max)
{
	if (strlen(text) < (size_t)min ||
	    text[strspn(text, LETTERS DIGITS "._-")] != '\0')
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

#define AT(member) offsetof(struct jp_listener, member)

static const struct jp_key keys[] = {
	{ "listener", "listen", AT(listen), read_listen, 1, JP_UNIX_PATH_MAX,
	    "127.0.0.1:PORT, [::1]:PORT or an absolute path of at most 107 "
	    "bytes without //, . and ..",
	    false },
	{ "listener", "protocol", AT(protocol), read_protocol, 0, 0,
	    "http, fastcgi or metrics", false },
	{ "listener", "source", AT(source_is_request), read_source, 0, 0,
	    "headers or request", false },
	{ "listener", "method_header", AT(method_header), jp_read_header, 1,
	    JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "listener", "uri_header", AT(uri_header), jp_read_header, 1,
	    JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "listener", "address_header", AT(address_header), jp_read_header, 1,
	    JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "listener", "service", AT(service), read_service, 1, JP_SERVICE_MAX,
	    "1 to 64 letters, digits, \".\", \"_\" and \"-\"", false },
};

const struct jp_key_table jp_listener_keys = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};
