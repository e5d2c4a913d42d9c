#include "pat_httpd/http_head.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum class {
	TOKEN = 1,  /* RFC 9110 §5.6.2 */
	TARGET = 2, /* anything visible, also beyond ASCII */
	VALUE = 4,  /* the same, blanks and tabulators */
};

static bool
is(char c, enum class class)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	static uint8_t classes[256];
	unsigned int i = (unsigned char)c;

	if (classes['A'] == 0) {
		for (unsigned int n = 0x20; n < 256; n++)
			classes[n] = n == 0x7f   ? 0
			             : n == 0x20 ? VALUE
			                         : VALUE | TARGET;
		classes['\t'] = VALUE;
		for (unsigned int n = '0'; n <= 'z'; n++)
			if (n <= '9' || (n >= 'A' && n <= 'Z') || n >= 'a')
				classes[n] |= TOKEN;
		for (size_t n = 0; marks[n] != '\0'; n++)
			classes[(unsigned char)marks[n]] |= TOKEN;
	}
	return (classes[i] & class) != 0;
}

/* How many of the `len` bytes are of that class. */
static size_t
span(const char *bytes, size_t len, enum class class)
{
	size_t i = 0;

	while (i < len && is(bytes[i], class))
		i++;
	return i;
}

/* ---- the whole ---- */

/* Some clients send an empty line behind a body: RFC 9112 §2.2. */
static size_t
empty_lines(const char *bytes, size_t len)
{
	size_t i = 0;

	while (len - i >= 2 && bytes[i] == '\r' && bytes[i + 1] == '\n')
		i += 2;
	return i;
}

size_t
http_head_find(const char *bytes, size_t len)
{
	size_t from = empty_lines(bytes, len);
	const char *end = memmem(bytes + from, len - from, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - bytes) + 4 : 0;
}

bool
http_head_may_come(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' ? i > 0 && bytes[i - 1] == '\r'
		                     : is(bytes[i], VALUE))
			continue;
		if (bytes[i] != '\r' || (i + 1 < len && bytes[i + 1] != '\n'))
			return false;
	}
	return true;
}

/* ---- its lines ---- */

/* What is left to be read of a head. */
struct cursor {
	char *at, *end;
};

/* A run of that class, and `close` behind it, which becomes a NUL; NULL: it is
 * not there. */
static char *
take(struct cursor *cursor, enum class class, char close, size_t *len)
{
	char *text = cursor->at;

	*len = span(text, (size_t)(cursor->end - text), class);
	if (*len == 0 || text + *len >= cursor->end || text[*len] != close)
		return NULL;
	text[*len] = '\0';
	cursor->at = text + *len + 1;
	return text;
}

static enum jp_err
read_request_line(struct cursor *cursor, struct http_head *head)
{
	const char *version;
	size_t len;

	head->method = take(cursor, TOKEN, ' ', &len);
	if (head->method == NULL)
		return JP_ERR_INVALID;
	head->target = take(cursor, TARGET, ' ', &len);
	if (head->target == NULL)
		return JP_ERR_INVALID;
	version = take(cursor, TARGET, '\r', &len);
	if (version == NULL || *cursor->at++ != '\n' ||
	    strncmp(version, "HTTP/", strlen("HTTP/")) != 0)
		return JP_ERR_INVALID;
	head->minor = strcmp(version, "HTTP/1.1") == 0;
	return head->minor == 1 || strcmp(version, "HTTP/1.0") == 0
	           ? JP_ERR_OK
	           : JP_ERR_NEWER;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A value may be empty; the blanks around it are no part of it. */
static char *
take_value(struct cursor *cursor)
{
	size_t len;
	char *value;

	while (is_blank(*cursor->at))
		cursor->at++;
	if (*cursor->at == '\r') {
		value = cursor->at++;
		*value = '\0';
		return value;
	}
	value = take(cursor, VALUE, '\r', &len);
	while (value != NULL && is_blank(value[len - 1]))
		value[--len] = '\0';
	return value;
}

static enum jp_err
read_field(struct cursor *cursor, struct http_head *head)
{
	struct http_field *field = &head->fields[head->field_len];

	if (head->field_len == HTTP_FIELDS_MAX)
		return JP_ERR_TOO_LONG;
	field->name = take(cursor, TOKEN, ':', &field->name_len);
	if (field->name == NULL)
		return JP_ERR_INVALID;
	field->value = take_value(cursor);
	if (field->value == NULL || *cursor->at++ != '\n')
		return JP_ERR_INVALID;
	head->field_len++;
	return JP_ERR_OK;
}

/* Where there are two, two readers may take different ones. */
static bool
has_one_host(const struct http_head *head)
{
	size_t count = 0;

	for (size_t i = 0; i < head->field_len; i++)
		count += http_field_is(&head->fields[i], "host");
	return count == 1 || (count == 0 && head->minor == 0);
}

enum jp_err
http_head_read(char *bytes, size_t len, struct http_head *head)
{
	size_t skipped = empty_lines(bytes, len);
	/* The empty line at the end closes every run. */
	struct cursor cursor = { bytes + skipped, bytes + len - 2 };
	enum jp_err err;

	head->field_len = 0;
	err = read_request_line(&cursor, head);
	while (err == JP_ERR_OK && cursor.at < cursor.end)
		err = read_field(&cursor, head);
	if (err == JP_ERR_OK && !has_one_host(head))
		err = JP_ERR_INVALID;
	return err;
}

/* ---- names and lists ---- */

bool
http_field_is(const struct http_field *field, const char *name)
{
	return strcasecmp(field->name, name) == 0;
}

static char
plain(char c)
{
	return c == '_' || c == '.'   ? '-'
	       : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a')
	                              : c;
}

bool
http_field_is_like(const struct http_field *field, const char *name)
{
	size_t i = 0;

	while (i < field->name_len && plain(field->name[i]) == plain(name[i]))
		i++;
	return i == field->name_len && name[i] == '\0';
}

bool
http_list_has(const char *list, const char *item)
{
	size_t len = strlen(item);

	while (*list != '\0') {
		list += strspn(list, " \t,");
		if (strncasecmp(list, item, len) == 0 &&
		    strchr(" \t,;", list[len]) != NULL)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

const char *
http_list_last(const char *list)
{
	const char *comma = strrchr(list, ',');

	if (comma != NULL)
		list = comma + 1;
	return list + strspn(list, " \t");
}
