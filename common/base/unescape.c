#include "common/base/unescape.h"

#include <string.h>

/* Escapes with a number: what is in front, its digits, what closes it. */
static const struct {
	const char *front;
	size_t least, most; /* digits */
	unsigned int base;
	char close; /* NUL: the last digit does */
} numbers[] = {
	{ "%", 2, 2, 16, '\0' },
	{ "%u", 4, 4, 16, '\0' },
	{ "=", 2, 2, 16, '\0' },
	{ "\\x", 2, 2, 16, '\0' },
	{ "\\u", 4, 4, 16, '\0' },
	{ "\\U", 8, 8, 16, '\0' },
	{ "\\x{", 1, 6, 16, '}' },
	{ "\\u{", 1, 6, 16, '}' },
	{ "\\", 3, 3, 8, '\0' },
	{ "&#", 1, 7, 10, ';' },
	{ "&#x", 1, 6, 16, ';' },
	{ "&#X", 1, 6, 16, ';' },
};

/* Those that stand for one character; NUL: for none. */
static const struct {
	const char *text;
	char c;
} words[] = {
	{ "\\_", '_' },
	{ "\\\\", '\\' },
	{ "\\/", '/' },
	{ "\\+", '+' },
	{ "\\n", '\n' },
	{ "\\r", '\r' },
	{ "\\t", '\t' },
	{ "\\\n", '\0' },
	{ "\\\r\n", '\0' },
	{ "=\n", '\0' },
	{ "=\r\n", '\0' },
	{ "&amp;", '&' },
	{ "&lowbar;", '_' },
	{ "&UnderBar;", '_' },
};

enum match { MATCH_NONE, MATCH_MORE, MATCH_WHOLE };

static unsigned int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

/* `value` gets the number, at most 0xff. */
static enum match
match_number(const struct jp_unescape *state, size_t i, unsigned int *value)
{
	size_t front = strlen(numbers[i].front), digits = 0;
	size_t shorter = state->len < front ? state->len : front;

	if (memcmp(state->text, numbers[i].front, shorter) != 0)
		return MATCH_NONE;
	*value = 0;
	for (size_t at = front; at < state->len; at++) {
		unsigned int digit = digit_of(state->text[at]);

		if (state->text[at] == numbers[i].close && at > front)
			return digits >= numbers[i].least ? MATCH_WHOLE
			                                  : MATCH_NONE;
		if (digit >= numbers[i].base || ++digits > numbers[i].most)
			return MATCH_NONE;
		*value = *value * numbers[i].base + digit;
		if (*value > 0x7f)
			*value = 0xff;
	}
	return numbers[i].close == '\0' && digits == numbers[i].most
	           ? MATCH_WHOLE
	           : MATCH_MORE;
}

static enum match
match_word(const struct jp_unescape *state, size_t i)
{
	if (strncmp(state->text, words[i].text, state->len) != 0)
		return MATCH_NONE;
	return words[i].text[state->len] == '\0' ? MATCH_WHOLE : MATCH_MORE;
}

/* `out` gets the character of a whole escape, `len` whether there is one. */
static enum match
match(const struct jp_unescape *state, char *out, size_t *len)
{
	bool more = false;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unsigned int value = 0;
		enum match found = match_number(state, i, &value);

		more |= found == MATCH_MORE;
		*out = (char)value;
		*len = 1;
		if (found == MATCH_WHOLE)
			return found;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum match found = match_word(state, i);

		more |= found == MATCH_MORE;
		*out = words[i].c;
		*len = words[i].c != '\0';
		if (found == MATCH_WHOLE)
			return found;
	}
	return more ? MATCH_MORE : MATCH_NONE;
}

/* The first byte is none of an escape: it goes, and the rest is tried anew. */
static size_t
give_up(struct jp_unescape *state, char *out)
{
	char rest[JP_ESCAPE_MAX];
	size_t rest_len = state->len - 1, len = 1;

	*out = state->text[0];
	memcpy(rest, state->text + 1, rest_len);
	state->len = 0;
	for (size_t i = 0; i < rest_len; i++)
		len += jp_unescape(state, rest[i], out + len);
	return len;
}

bool
jp_unescape_passes(const struct jp_unescape *state, char c)
{
	return state->len == 0 && c != '%' && c != '\\' && c != '&' && c != '=';
}

size_t
jp_unescape(struct jp_unescape *state, char c, char out[JP_ESCAPE_MAX])
{
	size_t len = 0;

	if (jp_unescape_passes(state, c)) {
		out[0] = c;
		return 1;
	}
	state->text[state->len++] = c;
	switch (match(state, out, &len)) {
	case MATCH_WHOLE:
		state->len = 0;
		return len;
	case MATCH_MORE:
		return 0;
	case MATCH_NONE:
		break;
	}
	return give_up(state, out);
}

size_t
jp_unescape_end(struct jp_unescape *state, char out[JP_ESCAPE_MAX])
{
	size_t len = 0;

	while (state->len > 0)
		len += give_up(state, out + len);
	return len;
}
