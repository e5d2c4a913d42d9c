#include "pat_httpd/self/html.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

enum {
	ROOM = 8192, /* bytes at first: most pages fit */
	CHAR_MAX_LEN = 4,
};

/* ---- bytes ---- */

static bool
grow(struct html *html, size_t len)
{
	size_t room = html->room > 0 ? html->room : ROOM;
	char *text;

	if (len >= SIZE_MAX / 4 - html->len)
		return false;
	while (room <= html->len + len)
		room *= 2;
	text = malloc(room);
	if (text == NULL)
		return false;
	if (html->text != NULL) {
		memcpy(text, html->text, html->len);
		explicit_bzero(html->text, html->room);
		free(html->text);
	}
	html->text = text;
	html->room = room;
	return true;
}

static void
add(struct html *html, const char *bytes, size_t len)
{
	if (html->failed)
		return;
	if (html->room <= html->len + len && !grow(html, len)) {
		html->failed = true;
		return;
	}
	memcpy(html->text + html->len, bytes, len);
	html->len += len;
	html->text[html->len] = '\0';
}

/* ---- text ---- */

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static const char *const escapes[128] = {
	['&'] = "&amp;",
	['<'] = "&lt;",
	['>'] = "&gt;",
	['"'] = "&#34;",
	['\''] = "&#39;",
	['\t'] = "&#9;",
	['\n'] = "&#10;",
	['\r'] = "&#13;",
};

/* The bytes of the character that `text` begins with; 0: it is none. */
static size_t
char_len(const char *text, size_t len)
{
	for (size_t n = 1; n <= CHAR_MAX_LEN && n <= len; n++)
		if (jp_utf8_valid(text, n))
			return n;
	return 0;
}

/* U+0000 to U+001F, and U+007F to U+009F. */
static bool
is_control(const char *text, size_t len)
{
	unsigned char first = (unsigned char)text[0];

	if (len == 1)
		return first < 0x20 || first == 0x7F;
	return first == 0xC2 && (unsigned char)text[1] < 0xA0;
}

/* Adds the character that `text` begins with; returns its bytes. */
static size_t
add_char(struct html *html, const char *text, size_t len)
{
	size_t n = char_len(text, len);
	const char *escape = n == 1 ? escapes[(unsigned char)text[0]] : NULL;

	if (n > 0 && escape == NULL && is_control(text, n))
		escape = REPLACEMENT;
	if (n == 0)
		escape = REPLACEMENT;
	if (escape != NULL)
		add(html, escape, strlen(escape));
	else
		add(html, text, n);
	return n > 0 ? n : 1;
}

void
html_add_text(struct html *html, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !html->failed;)
		i += add_char(html, text + i, len - i);
}

void
html_add_markup(struct html *html, const char *markup)
{
	add(html, markup, strlen(markup));
}

void
html_add_piece(struct html *html, const char *markup, size_t len)
{
	add(html, markup, len);
}

/* ---- formats ---- */

static void
add_number(struct html *html, int number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", number);
	html_add_markup(html, text);
}

/* Adds one conversion; false: it is none of ours. */
static bool
convert(struct html *html, char conversion, va_list *args)
{
	const char *text;

	switch (conversion) {
	case 's':
		text = va_arg(*args, const char *);
		if (text == NULL)
			return false;
		html_add_text(html, text, strlen(text));
		return true;
	case 'd':
		add_number(html, va_arg(*args, int));
		return true;
	case '%':
		html_add_markup(html, "%");
		return true;
	default:
		return false;
	}
}

void
html_add(struct html *html, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format != '\0' && !html->failed) {
		size_t len = strcspn(format, "%");

		add(html, format, len);
		format += len;
		if (*format == '\0')
			break;
		if (!convert(html, format[1], &args))
			html->failed = true;
		else
			format += 2;
	}
	va_end(args);
}

/* ---- the end ---- */

char *
html_take(struct html *html, size_t *len)
{
	char *text = html->failed ? NULL : html->text;

	if (text == NULL) {
		html_free(html);
		return NULL;
	}
	*len = html->len;
	memset(html, 0, sizeof(*html));
	return text;
}

void
html_free(struct html *html)
{
	if (html->text != NULL)
		explicit_bzero(html->text, html->room);
	free(html->text);
	memset(html, 0, sizeof(*html));
}
