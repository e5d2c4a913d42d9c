/*
 * Writes HTML into memory that grows. What comes from outside goes through %s
 * and is always escaped: for text, and for attributes in double quotes. The
 * markup is in the formats, which are literals.
 */
#ifndef PATHTTPD_HTML_H
#define PATHTTPD_HTML_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: empty. Outgrown memory is overwritten: it may hold a token. */
struct html {
	char *text; /* closed by a NUL; NULL: nothing was added */
	size_t len;
	size_t room;
	bool failed; /* no memory, or a format that is none: it sticks */
};

/*
 * Adds `format`, in which %s is a text, escaped, %d an int, and %% a percent
 * sign. There is nothing else: other conversions fail. A NULL for %s fails.
 */
void html_add(struct html *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Adds `len` bytes, escaped. Bytes that are no UTF-8, and control characters,
 * which HTML does not have, become U+FFFD; tab and line ends, which an
 * attribute would not keep, become references.
 */
void html_add_text(struct html *html, const char *text, size_t len);

/* Adds markup that is ours as it is; or `len` bytes of what a struct html has.
 */
void html_add_markup(struct html *html, const char *markup);
void html_add_piece(struct html *html, const char *markup, size_t len);

/*
 * The text, which is the caller's then, and its length; NULL: it failed. `html`
 * is empty afterwards.
 */
char *html_take(struct html *html, size_t *len);

void html_free(struct html *html);

#endif
