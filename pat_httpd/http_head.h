/*
 * The head of an HTTP/1.1 request (RFC 9112 §3, §5), read strictly: what is
 * unusual is refused, not repaired. Pure; why it is no library: see
 * doc/http-library.md.
 */
#ifndef PATHTTPD_HTTP_HEAD_H
#define PATHTTPD_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define HTTP_HEAD_MAX 16384 /* bytes, with the empty line */
#define HTTP_FIELDS_MAX 128

struct http_field {
	const char *name, *value; /* closed by NUL; no blanks around them */
	size_t name_len;
};

/* Its texts lie in what was read. */
struct http_head {
	const char *method, *target;
	unsigned int minor; /* of the version: 0 or 1 */
	size_t field_len;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/*
 * How many bytes the head at the beginning of `len` bytes has, with the empty
 * line behind it, and with empty lines in front of it; 0: it is not there yet.
 */
size_t http_head_find(const char *bytes, size_t len);

/*
 * Whether `len` bytes, in which no head ends, may still become one: none is a
 * control character but for line ends and tabulators, each line ends with CRLF.
 */
bool http_head_may_come(const char *bytes, size_t len);

/*
 * Reads the head of `len` bytes that http_head_find() found, and writes NULs
 * into it. JP_ERR_INVALID: a method or name that is no token, a control
 * character, a folded line, a blank in front of a colon, not exactly one Host
 * in HTTP/1.1; JP_ERR_NEWER: another version than 1.0 and 1.1; JP_ERR_TOO_LONG:
 * more than HTTP_FIELDS_MAX fields.
 */
enum jp_err http_head_read(char *bytes, size_t len, struct http_head *head);

/* Whether it has the name, in any case. */
bool http_field_is(const struct http_field *field, const char *name);

/*
 * The same where `_` and `.` count as `-`: a program behind may take the one
 * for the other, as CGI does.
 */
bool http_field_is_like(const struct http_field *field, const char *name);

/*
 * Whether `item` is one of the elements of a list of commas (RFC 9110 §5.6.1),
 * in any case; what follows a semicolon in one does not count.
 */
bool http_list_has(const char *list, const char *item);

/* The last element; empty: the list is, or ends with a comma. */
const char *http_list_last(const char *list);

#endif
