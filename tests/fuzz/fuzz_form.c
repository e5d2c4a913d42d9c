/*
 * A form: what is accepted is UTF-8 without NUL, and is read the same if it is
 * encoded anew.
 */
#include <stdlib.h>

#include "common/base/text.h"
#include "pat_httpd/self/form.h"
#include "tests/fuzz/fuzz.h"

static size_t
encode(char *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		out[len++] = '%';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	return len;
}

static void
read_again(const struct form *form, size_t size)
{
	char *text = malloc(4 * size + 4);
	struct form again;
	size_t len = 0;

	FUZZ_ASSERT(text != NULL);
	for (size_t i = 0; i < form->len; i++) {
		len += encode(text + len, form->fields[i].name);
		text[len++] = '=';
		len += encode(text + len, form->fields[i].value);
		text[len++] = '&';
	}
	FUZZ_ASSERT(form_parse(&again, text, len) == JP_ERR_OK);
	FUZZ_ASSERT(again.len == form->len);
	for (size_t i = 0; i < form->len; i++) {
		FUZZ_ASSERT(
		    strcmp(again.fields[i].name, form->fields[i].name) == 0);
		FUZZ_ASSERT(
		    strcmp(again.fields[i].value, form->fields[i].value) == 0);
	}
	form_free(&again);
	free(text);
}

static void
look(const struct form *form)
{
	FUZZ_ASSERT(form->len <= FORM_FIELDS_MAX);
	for (size_t i = 0; i < form->len; i++) {
		const struct form_field *field = &form->fields[i];

		FUZZ_ASSERT(field->name[0] != '\0');
		FUZZ_ASSERT(jp_utf8_valid(field->name, strlen(field->name)));
		FUZZ_ASSERT(jp_utf8_valid(field->value, strlen(field->value)));
		FUZZ_ASSERT(form_get(form, field->name) != NULL);
	}
	(void)form_repeated(form, "a ids");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct form form;

	FUZZ_ASSERT(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	if (form_parse(&form, text, size) == JP_ERR_OK) {
		look(&form);
		read_again(&form, size);
		form_free(&form);
	}
	FUZZ_ASSERT(form.fields == NULL && form.len == 0);
	free(text);
	return 0;
}
