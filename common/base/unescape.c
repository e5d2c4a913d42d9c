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
		enum match found = MATCH_NONE;

		if (numbers[i].front[0] == state->text[0])
			found = match_number(state, i, &value);

		more |= found == MATCH_MORE;
		*out = (char)value;
		*len = 1;
		if (found == MATCH_WHOLE)
			return found;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum match found = MATCH_NONE;

		if (words[i].text[0] == state->text[0])
			found = match_word(state, i);

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
	return state->len == 0 && !jp_may_escape(c);
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

/* Bytes that came out of one layer go into the next one. */
static size_t
read_layer(struct jp_unescape_all *state, size_t layer, const char *bytes,
    size_t len, char *out)
{
	char next[JP_ESCAPE_MAX];
	size_t out_len = 0;

	if (layer == JP_UNESCAPE_LAYERS) {
		memcpy(out, bytes, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		size_t next_len =
		    jp_unescape(&state->layers[layer], bytes[i], next);

		out_len +=
		    read_layer(state, layer + 1, next, next_len, out + out_len);
	}
	return out_len;
}

size_t
jp_unescape_all(
    struct jp_unescape_all *state, char c, char out[JP_UNESCAPE_ALL_MAX])
{
	size_t layer = 0;

	while (layer < JP_UNESCAPE_LAYERS &&
	       jp_unescape_passes(&state->layers[layer], c))
		layer++;
	return read_layer(state, layer, &c, 1, out);
}

size_t
jp_unescape_all_end(
    struct jp_unescape_all *state, char out[JP_UNESCAPE_ALL_MAX])
{
	char next[JP_ESCAPE_MAX];
	size_t len = 0;

	for (size_t layer = 0; layer < JP_UNESCAPE_LAYERS; layer++) {
		size_t next_len = jp_unescape_end(&state->layers[layer], next);

		len += read_layer(state, layer + 1, next, next_len, out + len);
	}
	return len;
}

/* ---- looking ahead ---- */

#define HEX "0123456789abcdefABCDEF"

/* What may be second in an escape, as in the tables above. */
static const char *
seconds_of(char first)
{
	switch (first) {
	case '%':
		return "u" HEX;
	case '=':
		return "\r\n" HEX;
	case '&':
		return "#alU";
	default:
		return "xuU01234567_\\/+nrt\r\n";
	}
}

/* It may change with what other escapes stand for, or it is left out. */
static bool
is_doubtful(char c)
{
	return jp_may_escape(c) || c == '\0';
}

size_t
jp_unescape_peek(const char *text, size_t len, char *c)
{
	struct jp_unescape state = { .text = { text[0] }, .len = 1 };
	enum match found = MATCH_MORE;
	size_t out_len = 0;

	*c = text[0];
	if (len > 1 && !is_doubtful(text[1]) &&
	    strchr(seconds_of(text[0]), text[1]) == NULL)
		return 1;
	while (found == MATCH_MORE && state.len < len &&
	       state.len < JP_ESCAPE_MAX && !is_doubtful(text[state.len])) {
		state.text[state.len] = text[state.len];
		state.len++;
		found = match(&state, c, &out_len);
	}
	if (found == MATCH_WHOLE)
		return out_len == 1 ? state.len : 0;
	*c = text[0];
	return found == MATCH_NONE;
}
