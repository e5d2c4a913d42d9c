/*
 * What a request is: "METHOD\nURI\nREAD\nDENY", the last two one pattern each.
 * A path means the same in every spelling, and a denied path only takes away.
 */
#include <ctype.h>
#include <stdio.h>

#include "pat_httpd/authorizer/access.h"
#include "tests/fuzz/fuzz.h"

enum {
	TEXT_MAX = 3 * ACCESS_PATH_MAX,
};

/* Takes the first line off `*rest`. */
static const char *
line(char **rest)
{
	char *start = *rest, *end = strchr(start, '\n');

	*rest = end != NULL ? end + 1 : start + strlen(start);
	if (end != NULL)
		*end = '\0';
	return start;
}

/* Letters and digits of the path in percent encoding. */
static void
encode(const char *uri, char *encoded)
{
	size_t query = strcspn(uri, "?");

	for (size_t i = 0; i < query; i++) {
		if (uri[i] == '%') {
			for (int n = 0; n < 3 && i < query; n++)
				*encoded++ = uri[i++];
			i--;
		} else if (isalnum((unsigned char)uri[i])) {
			encoded +=
			    sprintf(encoded, "%%%02x", (unsigned char)uri[i]);
		} else {
			*encoded++ = uri[i];
		}
	}
	(void)strcpy(encoded, uri + query);
}

static void
check(struct jp_rule *rule, struct access_request *request)
{
	static char encoded[3 * TEXT_MAX + 1];
	enum access_kind kind = access_of(rule, request), without;

	FUZZ_ASSERT(kind <= ACCESS_PREFLIGHT);
	encode(request->uri, encoded);
	if (rule->read_paths[0] != '\0' || rule->deny_paths[0] != '\0') {
		request->uri = encoded;
		FUZZ_ASSERT(access_of(rule, request) == kind);
	}
	rule->deny_paths[0] = '\0';
	without = access_of(rule, request);
	FUZZ_ASSERT(kind == ACCESS_DENY_PATH || kind == without);
	(void)strcpy(rule->deny_paths, "*");
	FUZZ_ASSERT(access_of(rule, request) == ACCESS_DENY_PATH);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_rule rule = { .glob = "jira" };
	struct access_request request;
	char *text, *rest;

	if (size == 0 || size > TEXT_MAX)
		return 0;
	rest = text = fuzz_text(data + 1, size - 1);
	rule.preflight = (data[0] & 1) != 0;
	request.preflight = (data[0] & 2) != 0;
	request.method = line(&rest);
	request.uri = line(&rest);
	(void)snprintf(
	    rule.read_paths, sizeof(rule.read_paths), "%s", line(&rest));
	(void)snprintf(
	    rule.deny_paths, sizeof(rule.deny_paths), "%s", line(&rest));
	check(&rule, &request);
	free(text);
	return 0;
}
