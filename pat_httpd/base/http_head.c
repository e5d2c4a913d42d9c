#include "pat_httpd/base/http_head.h"

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

enum jp_err
http_head_start(struct http_head *head, const char *method, const char *target)
{
	size_t len = strlen(target);

	head->method = method;
	head->target = target;
	head->field_len = 0;
	head->size = strlen(method) + len + strlen("  HTTP/1.1\r\n\r\n");
	if (span(target, len, TARGET) != len)
		return JP_ERR_INVALID;
	return head->size <= HTTP_HEAD_MAX ? JP_ERR_OK : JP_ERR_TOO_LONG;
}

enum jp_err
http_head_add(struct http_head *head, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	head->size += name_len + value_len + strlen(": \r\n");
	if (head->size > HTTP_HEAD_MAX || head->field_len == HTTP_FIELDS_MAX)
		return JP_ERR_TOO_LONG;
	if (name_len == 0 || span(name, name_len, TOKEN) != name_len ||
	    span(value, value_len, VALUE) != value_len)
		return JP_ERR_INVALID;
	head->fields[head->field_len++] =
	    (struct http_field){ name, value, name_len };
	return JP_ERR_OK;
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

struct http_found
http_head_find(const struct http_head *head, const char *name)
{
	struct http_found found = { 0 };

	for (size_t i = 0; name[0] != '\0' && i < head->field_len; i++) {
		const struct http_field *field = &head->fields[i];

		if (!http_field_is_like(field, name))
			continue;
		if (found.count++ == 0)
			found.first = field->value;
		found.last = field->value;
		found.odd |= !http_field_is(field, name);
	}
	return found;
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
