#include "common/config/listeners.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum jp_listener_protocol protocol;
} built_in[] = {
	{ "http", JP_LISTENER_HTTP },
	{ "fcgi", JP_LISTENER_FCGI },
};

#define HEADER(member) offsetof(struct jp_listener, member)
static const struct {
	const char *key;
	size_t offset;
	const char *value;
	bool of_request; /* not used if source = request */
} headers[] = {
	{ "method_header", HEADER(method_header), "X-Forwarded-Method", true },
	{ "uri_header", HEADER(uri_header), "X-Forwarded-Uri", true },
	{ "address_header", HEADER(address_header), "X-Forwarded-For", false },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

bool
jp_listener_name_valid(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return len > 0 && len <= JP_LISTENER_NAME_MAX && name[len] == '\0';
}

/* The protocol that the name of a built-in one stands for; -1: it is another.
 */
static int
built_in_protocol(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(built_in); i++)
		if (strcmp(built_in[i].name, name) == 0)
			return (int)built_in[i].protocol;
	return -1;
}

struct jp_listener *
jp_listener_start(struct jp_httpd_settings *httpd, const char *name)
{
	struct jp_listener *listener = httpd->listeners;
	size_t i = 0;

	while (i < httpd->listener_len && strcmp(listener[i].name, name) != 0)
		i++;
	if (i == JP_LISTENERS_MAX)
		return NULL;
	if (i == httpd->listener_len)
		httpd->listener_len++;
	listener += i;
	memset(listener, 0, sizeof(*listener));
	(void)jp_field_set(listener->name, sizeof(listener->name), name);
	if (built_in_protocol(name) == JP_LISTENER_FCGI)
		listener->protocol = JP_LISTENER_FCGI;
	return listener;
}

bool
jp_listener_built_in(const struct jp_listener *listener)
{
	return built_in_protocol(listener->name) >= 0;
}

/* Whether the listener reads the i-th of the headers. */
static bool
reads(const struct jp_listener *listener, size_t i)
{
	return listener->protocol == JP_LISTENER_HTTP &&
	       !(headers[i].of_request && listener->source_is_request);
}

void
jp_listener_fill(struct jp_listener *listener)
{
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		char *header = (char *)listener + headers[i].offset;

		if (header[0] == '\0' && reads(listener, i))
			(void)jp_field_set(
			    header, JP_HEADER_NAME_MAX + 1, headers[i].value);
	}
}

/* The same for one of the headers. */
static const char *
header_misfit(const struct jp_listener *listener, size_t at)
{
	const char *header = (const char *)listener + headers[at].offset;

	if (listener->protocol != JP_LISTENER_HTTP)
		return listener->protocol == JP_LISTENER_FCGI
		           ? "only with protocol = http: FastCGI has variables "
		             "for it"
		           : "only with protocol = http";
	if (!reads(listener, at))
		return "not with source = request, which reads no such header";
	for (size_t i = 0; i < COUNT_OF(headers); i++)
		if (i != at && strcasecmp(header, (const char *)listener +
		                                      headers[i].offset) == 0)
			return "expected three different headers for method, "
			       "URI and address";
	return NULL;
}

const char *
jp_listener_misfit(const struct jp_listener *listener, const char *key)
{
	int protocol = built_in_protocol(listener->name);

	for (size_t i = 0; i < COUNT_OF(headers); i++)
		if (strcmp(key, headers[i].key) == 0)
			return header_misfit(listener, i);
	if (strcmp(key, "protocol") == 0 && protocol >= 0 &&
	    protocol != (int)listener->protocol)
		return "expected that of the built-in listener: give another "
		       "listener a name of its own";
	if (strcmp(key, "source") == 0 &&
	    listener->protocol != JP_LISTENER_HTTP)
		return "only with protocol = http";
	if (strcmp(key, "service") == 0 &&
	    listener->protocol != JP_LISTENER_FCGI)
		return "only with protocol = fastcgi: in HTTP the path names "
		       "the service";
	return NULL;
}

/* patd's own sockets. */
static bool
is_of_patd(const struct jp_settings *settings, const char *address)
{
	static const char *const names[] = { "verify.sock", "admin.sock" };
	const struct jp_paths *const more[] = { &settings->verify,
		&settings->mux };
	char path[JP_UNIX_PATH_MAX + sizeof("/verify.sock")];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", settings->run_dir, names[i]);
		if (strcmp(path, address) == 0)
			return true;
	}
	for (size_t i = 0; i < COUNT_OF(more); i++)
		for (size_t j = 0; j < more[i]->len; j++)
			if (strcmp(more[i]->at[j], address) == 0)
				return true;
	return false;
}

const char *
jp_listener_taken(const struct jp_settings *settings, size_t i)
{
	const struct jp_httpd_settings *httpd = &settings->httpd;
	char address[JP_LISTEN_TEXT_MAX], other[JP_LISTEN_TEXT_MAX];

	jp_listener_format(&httpd->listeners[i], settings->run_dir, address);
	if (is_of_patd(settings, address))
		return "patd";
	for (size_t j = 0; j < i; j++) {
		jp_listener_format(
		    &httpd->listeners[j], settings->run_dir, other);
		if (strcmp(address, other) == 0)
			return httpd->listeners[j].name;
	}
	return NULL;
}
