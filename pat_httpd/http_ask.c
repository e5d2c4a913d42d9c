#include "pat_httpd/http_ask.h"

#include <string.h>

#define AUTH "/auth/"

/* X(CODE, name, or the key of the listener that holds it; whether a second one
 * makes the request ambiguous). All that is read of a head. */
#define KNOWN_LIST(X)                                                          \
	X(AUTHORIZATION, "Authorization", false /* they are counted */)        \
	X(METHOD, listener->method_header, true)                               \
	X(URI, listener->uri_header, true)                                     \
	X(ADDRESS, listener->address_header, false /* the last one counts */)  \
	X(ORIGIN, "Origin", true)                                              \
	X(CORS_METHOD, "Access-Control-Request-Method", true)                  \
	X(ACCEPT, "Accept", false)

enum known {
#define KNOWN_ENUM(code, name, once) KNOWN_##code,
	KNOWN_LIST(KNOWN_ENUM)
#undef KNOWN_ENUM
	    KNOWN_COUNT,
};

static const bool once[KNOWN_COUNT] = {
#define KNOWN_ONCE(code, name, once) once,
	KNOWN_LIST(KNOWN_ONCE)
#undef KNOWN_ONCE
};

/* What a head has of those. */
struct seen {
	const char *names[KNOWN_COUNT]; /* "": this listener reads it not */
	size_t lens[KNOWN_COUNT];
	const char *first[KNOWN_COUNT], *last[KNOWN_COUNT];
	size_t count[KNOWN_COUNT];
	bool ambiguous;
	bool json;
};

static void
name_fields(struct seen *seen, const struct jp_listener *listener)
{
	const char *const names[KNOWN_COUNT] = {
#define KNOWN_NAME(code, name, once) name,
		KNOWN_LIST(KNOWN_NAME)
#undef KNOWN_NAME
	};

	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		seen->names[i] = names[i];
		seen->lens[i] = strlen(names[i]);
	}
}

/* Which one it is, in any spelling; KNOWN_COUNT: none. */
static enum known
known_as(const struct seen *seen, const struct http_field *field)
{
	enum known known = 0;

	while (known < KNOWN_COUNT &&
	       (field->name_len != seen->lens[known] ||
	           !http_field_is_like(field, seen->names[known])))
		known++;
	return known;
}

static void
see(struct seen *seen, const struct http_field *field)
{
	enum known known = known_as(seen, field);

	if (known == KNOWN_COUNT)
		return;
	if (seen->count[known]++ == 0)
		seen->first[known] = field->value;
	seen->last[known] = field->value;
	seen->ambiguous |= !http_field_is(field, seen->names[known]) ||
	                   (once[known] && seen->count[known] > 1);
	if (known == KNOWN_ACCEPT)
		seen->json |=
		    http_list_has(field->value, "application/json") ||
		    http_list_has(field->value, "application/problem+json");
}

/* NULL: it has none. */
static const char *
address_in(const struct seen *seen)
{
	const char *list = seen->last[KNOWN_ADDRESS];

	if (list == NULL)
		return NULL;
	list = http_list_last(list);
	return *list != '\0' ? list : NULL;
}

/*
 * The text is judged as it came: no decoding, no query, no other slash. Where
 * the request is the original one, its own path follows the service's name.
 */
static enum http_path
read_path(struct http_request *request, const char *target, bool has_more)
{
	const char *name = target + strlen(AUTH);
	size_t len;

	if (strcmp(target, "/healthz") == 0)
		return HTTP_PATH_HEALTH;
	if (strncmp(target, AUTH, strlen(AUTH)) != 0)
		return HTTP_PATH_NONE;
	len = has_more ? strcspn(name, "/") : strlen(name);
	if (len > JP_SERVICE_MAX)
		return HTTP_PATH_NONE;
	memcpy(request->service, name, len);
	request->service[len] = '\0';
	if (!authorize_service_valid(request->service))
		return HTTP_PATH_NONE;
	request->ask.service = request->service;
	if (name[len] != '\0')
		request->ask.uri = name + len;
	return HTTP_PATH_AUTH;
}

static void
fill_ask(struct ask *ask, const struct seen *seen)
{
	ask->authorization = seen->first[KNOWN_AUTHORIZATION];
	ask->authorizations = seen->count[KNOWN_AUTHORIZATION];
	ask->method = seen->first[KNOWN_METHOD];
	ask->uri = seen->first[KNOWN_URI];
	ask->address = address_in(seen);
	ask->ambiguous = seen->ambiguous;
	ask->preflight = seen->count[KNOWN_ORIGIN] == 1 &&
	                 seen->count[KNOWN_CORS_METHOD] == 1;
	ask->body = seen->json;
}

void
http_request_read(const struct http_head *head,
    const struct jp_listener *listener, struct http_request *request)
{
	bool is_original = listener->source_is_request;
	struct seen seen = { 0 };

	memset(request, 0, sizeof(*request));
	name_fields(&seen, listener);
	for (size_t i = 0; i < head->field_len; i++)
		see(&seen, &head->fields[i]);
	fill_ask(&request->ask, &seen);
	if (is_original)
		request->ask.method = head->method;
	request->path = read_path(request, head->target, is_original);
}
