#include "common/base/text.h"

#include <stdint.h>
#include <string.h>

#include "common/base/escape.h"

/* RFC 3629 §4: how a character begins, and what its second byte may be. */
static const struct {
	uint8_t first_min, first_max;
	uint8_t second_min, second_max;
	uint8_t more; /* bytes after the first */
} forms[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 0 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 1 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },
	{ 0xe1, 0xec, 0x80, 0xbf, 2 },
	{ 0xed, 0xed, 0x80, 0x9f, 2 },
	{ 0xee, 0xef, 0x80, 0xbf, 2 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 3 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
};

static bool
between(uint8_t byte, uint8_t min, uint8_t max)
{
	return byte >= min && byte <= max;
}

/*
 * How many of the `len` bytes are one character of UTF-8, as jp_utf8_valid()
 * wants it; 0 if they begin none.
 */
static size_t
utf8_length(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t row = 0;

	if (len == 0)
		return 0;
	while (!between(at[0], forms[row].first_min, forms[row].first_max)) {
		if (++row == sizeof(forms) / sizeof(forms[0]))
			return 0;
	}
	if (len <= forms[row].more)
		return 0;
	if (forms[row].more > 0 &&
	    !between(at[1], forms[row].second_min, forms[row].second_max))
		return 0;
	for (size_t i = 2; i <= forms[row].more; i++) {
		if (!between(at[i], 0x80, 0xbf))
			return 0;
	}
	return 1 + (size_t)forms[row].more;
}

bool
jp_utf8_valid(const char *text, size_t len)
{
	while (len > 0) {
		size_t step = utf8_length(text, len);

		if (step == 0)
			return false;
		text += step;
		len -= step;
	}
	return true;
}

/* Unicode's White_Space, U+200B and U+FEFF: nobody sees them at an end. */
static const char *const blanks[] = { " ", "\t", "\n", "\v", "\f", "\r",
	"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
	"\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
	"\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
	"\xe2\x80\x8a", "\xe2\x80\x8b", "\xe2\x80\xa8", "\xe2\x80\xa9",
	"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf" };

/* With `end` the last one of the text. */
static size_t
blank_length(const char *text, size_t len, bool end)
{
	if (len == 0 || between((uint8_t)text[end ? len - 1 : 0], '!', '~'))
		return 0; /* as most texts: no blank begins or ends so */
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		size_t more = strlen(blanks[i]);

		if (len >= more && memcmp(end ? text + len - more : text,
		                       blanks[i], more) == 0)
			return more;
	}
	return 0;
}

size_t
jp_blank_at_start(const char *text, size_t len)
{
	return blank_length(text, len, false);
}

size_t
jp_blank_at_end(const char *text, size_t len)
{
	return blank_length(text, len, true);
}

bool
jp_blank_ends(const char *text)
{
	size_t len = strlen(text);

	return jp_blank_at_start(text, len) > 0 ||
	       jp_blank_at_end(text, len) > 0;
}

enum jp_err
jp_name_set(char *field, size_t size, const char *bytes, size_t len)
{
	bool blank = true;

	field[0] = '\0';
	if (len >= size)
		return JP_ERR_TOO_LONG;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
			return JP_ERR_INVALID;
		blank = blank && bytes[i] == ' ';
	}
	if (blank || !jp_utf8_valid(bytes, len))
		return JP_ERR_INVALID;
	memcpy(field, bytes, len);
	field[len] = '\0';
	return JP_ERR_OK;
}

enum jp_err
jp_field_set(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		return JP_ERR_TOO_LONG;
	memcpy(field, text, len + 1);
	return JP_ERR_OK;
}

/* C0 and C1 controls and DEL. */
static bool
is_control(const unsigned char *text)
{
	return text[0] < 0x20 || text[0] == 0x7f ||
	       (text[0] == 0xc2 && text[1] < 0xa0);
}

enum jp_err
jp_text_check(
    const char *what, const char *text, size_t max, struct jp_why *why)
{
	size_t left = strlen(text);
	const char *all = text;

	if (left > max)
		return jp_why(why, JP_ERR_INVALID,
		    "the %s is longer than %zu bytes", what, max);
	while (left > 0) {
		size_t len = utf8_length(text, left);

		if (len == 0)
			return jp_why(why, JP_ERR_INVALID,
			    "the %s is not valid UTF-8", what);
		if (is_control((const unsigned char *)text))
			return jp_why(why, JP_ERR_INVALID,
			    "the %s holds a control character", what);
		text += len;
		left -= len;
	}
	if (jp_has_token(all))
		return jp_why(why, JP_ERR_INVALID,
		    "the %s holds the text of a token, which is never stored: "
		    "write the token's id instead",
		    what);
	return JP_ERR_OK;
}

enum jp_err
jp_user_check(const char *user, struct jp_why *why)
{
	if (user[0] == '\0')
		return jp_why(why, JP_ERR_INVALID, "the user name is empty");
	if (strchr(user, ':') != NULL)
		return jp_why(why, JP_ERR_INVALID,
		    "the user name holds ':', which HTTP Basic cannot carry");
	return jp_text_check("user name", user, JP_USER_MAX, why);
}

enum jp_err
jp_user_check_new(const char *user, struct jp_why *why)
{
	enum jp_err err = jp_user_check(user, why);

	if (err != JP_ERR_OK)
		return err;
	if (jp_blank_ends(user))
		return jp_why(why, JP_ERR_INVALID,
		    "the user name \"%.255s\" has blanks at its ends", user);
	return JP_ERR_OK;
}

bool
jp_path_plain(const char *path)
{
	while ((path = strchr(path, '/')) != NULL) {
		size_t len = strcspn(++path, "/");

		if ((len == 0 && *path == '/') ||
		    (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
	}
	return true;
}
