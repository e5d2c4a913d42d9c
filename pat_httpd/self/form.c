#include "pat_httpd/self/form.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* ---- one part: a name or a value ---- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "%XX"; 0: there is no such that may come. */
static char
decode(const char *at, const char *end)
{
	int high, low;

	if (end - at < 3)
		return '\0';
	high = hex(at[1]);
	low = hex(at[2]);
	return high >= 0 && low >= 0 ? (char)(high * 16 + low) : '\0';
}

/* Decodes [text, end) in place, with a NUL behind, where there is room. */
static enum jp_err
decode_part(char *text, char *end)
{
	char *out = text;

	for (const char *at = text; at < end; at++) {
		char c = *at;

		if ((unsigned char)c < ' ' || c == 0x7f)
			return JP_ERR_INVALID;
		if (c == '+')
			c = ' ';
		if (c == '%') {
			c = decode(at, end);
			if (c == '\0')
				return JP_ERR_INVALID;
			at += 2;
		}
		*out++ = c;
	}
	*out = '\0';
	return jp_utf8_valid(text, (size_t)(out - text)) ? JP_ERR_OK
	                                                 : JP_ERR_INVALID;
}

/* ---- all of them ---- */

/* [at, end), where `end` is a "&" or the end of all, and becomes a NUL. */
static enum jp_err
add_field(struct form *form, char *at, char *end)
{
	static char empty[] = "";
	char *equals = memchr(at, '=', (size_t)(end - at));
	char *name_end = equals != NULL ? equals : end;
	enum jp_err err = JP_ERR_OK;

	if (name_end == at)
		return JP_ERR_INVALID;
	if (form->len == FORM_FIELDS_MAX)
		return JP_ERR_TOO_LONG;
	if (equals != NULL)
		err = decode_part(equals + 1, end);
	if (err == JP_ERR_OK)
		err = decode_part(at, name_end);
	form->fields[form->len++] = (struct form_field){
		at,
		equals != NULL ? equals + 1 : empty,
	};
	return err;
}

static size_t
count_fields(const char *text, size_t len)
{
	size_t count = 1;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '&';
	return count < FORM_FIELDS_MAX ? count : FORM_FIELDS_MAX;
}

enum jp_err
form_parse(struct form *form, char *text, size_t len)
{
	enum jp_err err = JP_ERR_OK;
	char *end = text + len, *next;

	form->len = 0;
	form->fields = calloc(count_fields(text, len), sizeof(*form->fields));
	if (form->fields == NULL)
		return JP_ERR_NOMEM;
	for (char *at = text; err == JP_ERR_OK && at < end; at = next + 1) {
		next = memchr(at, '&', (size_t)(end - at));
		if (next == NULL)
			next = end;
		if (next > at)
			err = add_field(form, at, next);
	}
	if (err != JP_ERR_OK)
		form_free(form);
	return err;
}

void
form_free(struct form *form)
{
	free(form->fields);
	form->fields = NULL;
	form->len = 0;
}

/* ---- looking at them ---- */

const char *
form_get(const struct form *form, const char *name)
{
	const char *value = NULL;

	(void)form_all(form, name, &value, 1);
	return value;
}

size_t
form_all(
    const struct form *form, const char *name, const char *values[], size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < form->len; i++) {
		if (strcmp(form->fields[i].name, name) != 0)
			continue;
		if (count < max)
			values[count] = form->fields[i].value;
		count++;
	}
	return count;
}

/* Whether it is one of the words of `list`. */
static bool
is_word(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t word = strcspn(list, " ");

		if (word == len && memcmp(list, name, len) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

const char *
form_repeated(const struct form *form, const char *lists)
{
	for (size_t i = 0; i < form->len; i++) {
		const char *name = form->fields[i].name;

		if (form_all(form, name, NULL, 0) > 1 && !is_word(lists, name))
			return name;
	}
	return NULL;
}
