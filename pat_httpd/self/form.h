/*
 * The fields of a form or of a query: application/x-www-form-urlencoded (URL
 * standard, "urlencoded parsing"), strictly. Pure.
 *
 * The library's own reader is lenient where this is not: it takes a broken
 * escape for text, and says nothing of a NUL or of a name that comes twice.
 */
#ifndef PATHTTPD_FORM_H
#define PATHTTPD_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define FORM_FIELDS_MAX 256

/* Zeroed, it has none. Its texts lie in what was parsed. */
struct form {
	size_t len;
	struct form_field {
		const char *name, *value;
	} * fields;
};

/*
 * Reads `len` bytes at `text`, behind which there is room for a NUL; they are
 * decoded in place and belong to the fields from then on. A field without "="
 * has the value "". JP_ERR_INVALID for a broken escape, a control character
 * that is not escaped, an escaped NUL, what is not UTF-8, and a field without a
 * name; JP_ERR_TOO_LONG for more than FORM_FIELDS_MAX; JP_ERR_NOMEM. `form` has
 * then no fields.
 */
enum jp_err form_parse(struct form *form, char *text, size_t len);

/* Frees the table; the texts are the caller's. */
void form_free(struct form *form);

/* The first one; NULL: there is none. */
const char *form_get(const struct form *form, const char *name);

/* All of that name, at most `max` of them; returns how many there are. */
size_t form_all(const struct form *form, const char *name, const char *values[],
    size_t max);

/* A name that comes twice though it is not among `lists`, which has a blank
 * between names (NULL: none may); NULL: there is no such. */
const char *form_repeated(const struct form *form, const char *lists);

#endif
