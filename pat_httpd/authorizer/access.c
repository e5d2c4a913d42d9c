#include "pat_httpd/authorizer/access.h"

#include <ctype.h>
#include <string.h>

/* RFC 3986 §2: what no URI has as it is; "#" begins a fragment, which is never
 * sent, and the others end or change paths in one server or another. */
#define NOT_IN_PATH "#;\\\"<>^`{}"

/* What must not come in percent encoding: servers decode these early, late or
 * twice, and see another path. */
#define NOT_ENCODED "/.;\\%"

/* ---- lists of the rule ---- */

/* One element of a list; `at` NULL behind the last. */
struct element {
	const char *at;
	size_t len;
};

static struct element
element_at(const char *list)
{
	return (struct element){
		*list != '\0' ? list : NULL,
		strcspn(list, "\n"),
	};
}

static struct element
element_behind(struct element element)
{
	const char *end = element.at + element.len;

	return element_at(*end == '\n' ? end + 1 : end);
}

/* How two bytes compare: exactly, or letters in both cases. */
typedef bool same_byte(char a, char b);

static bool
same_exactly(char a, char b)
{
	return a == b;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Whether the element is all of `text`. */
static bool
is_text(struct element element, const char *text, same_byte *same)
{
	if (strlen(text) != element.len)
		return false;
	for (size_t i = 0; i < element.len; i++)
		if (!same(element.at[i], text[i]))
			return false;
	return true;
}

static bool
method_in(const char *list, const char *method)
{
	for (struct element e = element_at(list); e.at != NULL;
	     e = element_behind(e))
		if (is_text(e, method, same_exactly))
			return true;
	return false;
}

/* ---- paths ---- */

/* The path of a request, without its query, as the backend will see it. */
struct path {
	size_t len;
	char text[ACCESS_PATH_MAX + 2]; /* room for a slash behind it */
};

static int
hex(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit != '\0'
	                     ? strchr(digits, tolower((unsigned char)digit))
	                     : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* The byte that "%XX" at `text` stands for; -1: none that may be written so. */
static int
decode(const char *text)
{
	int high = hex(text[1]), low = high >= 0 ? hex(text[2]) : -1;
	int byte = high * 16 + low;

	if (high < 0 || low < 0 || byte < ' ' || byte == 0x7f ||
	    (byte < 0x7f && strchr(NOT_ENCODED, byte) != NULL))
		return -1;
	return byte;
}

static bool
byte_allowed(char byte)
{
	return byte > ' ' && byte < 0x7f && strchr(NOT_IN_PATH, byte) == NULL;
}

/* Reads the path of `uri`; false: it cannot be judged. */
static bool
read_path(struct path *path, const char *uri)
{
	path->len = 0;
	if (uri[0] != '/')
		return false;
	for (; *uri != '\0' && *uri != '?'; uri++) {
		int byte = *uri == '%' ? decode(uri) : *uri;

		if (!byte_allowed(*uri) || byte < 0 ||
		    path->len == ACCESS_PATH_MAX)
			return false;
		if (*uri == '%')
			uri += 2;
		path->text[path->len++] = (char)byte;
	}
	path->text[path->len] = '\0';
	return jp_path_plain(path->text) &&
	       jp_utf8_valid(path->text, path->len);
}

/*
 * Whether the glob matches all of `text`. "*" is any bytes; the last one that
 * was met takes one more whenever the rest does not match, which is enough.
 */
static bool
glob_matches(struct element glob, const char *text, same_byte *same)
{
	const char *end = glob.at + glob.len, *at = glob.at;
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (at < end && *at == '*') {
			star = ++at;
			resume = text;
		} else if (at < end && same(*at, *text)) {
			at++;
			text++;
		} else if (star != NULL) {
			at = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (at < end && *at == '*')
		at++;
	return at == end;
}

/* The glob of "METHOD GLOB" or "GLOB", and the method: of length 0, none. */
static struct element
split(struct element element, struct element *method)
{
	const char *space = memchr(element.at, ' ', element.len);

	*method = (struct element){ element.at, 0 };
	if (space == NULL)
		return element;
	method->len = (size_t)(space - element.at);
	element.len -= method->len + 1;
	element.at = space + 1;
	return element;
}

/* `method` NULL: any may be meant. */
static bool
path_in(const char *list, const char *method, const char *text, same_byte *same)
{
	for (struct element e = element_at(list); e.at != NULL;
	     e = element_behind(e)) {
		struct element own, glob = split(e, &own);

		if ((own.len == 0 || method == NULL ||
		        is_text(own, method, same)) &&
		    glob_matches(glob, text, same))
			return true;
	}
	return false;
}

/* With and without a slash at its end: it is one resource to most backends. */
static bool
is_denied(const char *list, const char *method, const struct path *path)
{
	char other[sizeof(path->text)];
	size_t len = path->len;

	memcpy(other, path->text, len + 1);
	if (len > 1 && other[len - 1] == '/')
		other[len - 1] = '\0';
	else
		memcpy(other + len, "/", 2);
	return path_in(list, method, path->text, same_letter) ||
	       path_in(list, method, other, same_letter);
}

/* ---- the rule ---- */

static const char *
given(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *
read_methods(const struct jp_rule *rule)
{
	return rule->read_methods[0] != '\0' ? rule->read_methods
	                                     : JP_READ_METHODS;
}

enum access_kind
access_of(const struct jp_rule *rule, const struct access_request *request)
{
	const char *method = given(request->method);
	const char *uri = given(request->uri);
	struct path path;

	if (rule == NULL)
		return ACCESS_WRITE;
	if (uri != NULL &&
	    (rule->deny_paths[0] != '\0' || rule->read_paths[0] != '\0') &&
	    !read_path(&path, uri))
		return ACCESS_DENY_PATH;
	if (rule->deny_paths[0] != '\0' &&
	    (uri == NULL || is_denied(rule->deny_paths, method, &path)))
		return ACCESS_DENY_PATH;
	if (rule->preflight && request->preflight && method != NULL &&
	    strcmp(method, "OPTIONS") == 0)
		return ACCESS_PREFLIGHT;
	if (method == NULL || uri == NULL)
		return ACCESS_WRITE;
	return method_in(read_methods(rule), method) ||
	               (rule->read_paths[0] != '\0' &&
	                   path_in(rule->read_paths, method, path.text,
	                       same_exactly))
	           ? ACCESS_READ
	           : ACCESS_WRITE;
}
