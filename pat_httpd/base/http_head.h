/*
 * The head of an HTTP/1.1 request (RFC 9112 §3, §5), as the library has read
 * it: its fields in their order, also those that came twice. Pure.
 */
#ifndef PATHTTPD_HTTP_HEAD_H
#define PATHTTPD_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define HTTP_HEAD_MAX 16384 /* bytes of all names, values and the target */
#define HTTP_FIELDS_MAX 128

/* Its texts are those of the caller, closed by NUL. */
struct http_head {
	const char *method, *target;
	size_t size; /* bytes, as the wire has them */
	size_t field_len;
	struct http_field {
		const char *name, *value;
		size_t name_len;
	} fields[HTTP_FIELDS_MAX];
};

/*
 * Starts a head without fields. JP_ERR_INVALID: a byte in the target that is
 * not visible; JP_ERR_TOO_LONG.
 */
enum jp_err
http_head_start(struct http_head *head, const char *method, const char *target);

/*
 * Adds a field. The library is lenient where proxies differ, so this is not:
 * JP_ERR_INVALID for a name that is no token (RFC 9110 §5.6.2), also one with a
 * blank in front of the colon, and a control character in a value but a
 * tabulator; JP_ERR_TOO_LONG for more than HTTP_FIELDS_MAX fields or
 * HTTP_HEAD_MAX bytes.
 */
enum jp_err http_head_add(struct http_head *head, const char *name,
    size_t name_len, const char *value, size_t value_len);

/* Whether it has the name, in any case. */
bool http_field_is(const struct http_field *field, const char *name);

/*
 * The same where `_` and `.` count as `-`: a program behind may take the one
 * for the other, as CGI does.
 */
bool http_field_is_like(const struct http_field *field, const char *name);

/* What a head has of one name. */
struct http_found {
	size_t count;             /* in any spelling */
	const char *first, *last; /* values; NULL: there is none */
	bool odd; /* one is spelt as http_field_is_like() has it */
};

/* Looks for `name`; "" is found nowhere. */
struct http_found
http_head_find(const struct http_head *head, const char *name);

/*
 * Whether `item` is one of the elements of a list of commas (RFC 9110 §5.6.1),
 * in any case; what follows a semicolon in one does not count.
 */
bool http_list_has(const char *list, const char *item);

/* The last element; empty: the list is, or ends with a comma. */
const char *http_list_last(const char *list);

#endif
