#include "common/config/conninfo.h"

#include <string.h>

#include "common/base/text.h"

#define BLANKS " \t"
#define KEY_BYTES "abcdefghijklmnopqrstuvwxyz_"

/* One byte of a value; false: the value is too long. */
static bool
add(struct jp_conninfo_word *word, size_t *len, char byte)
{
	if (*len == JP_CONNINFO_MAX)
		return false;
	word->value[(*len)++] = byte;
	return true;
}

/* Between quotes; `*at` stands behind the first one. */
static enum jp_err
read_quoted(const char **at, struct jp_conninfo_word *word)
{
	size_t len = 0;

	for (; **at != '\'' && **at != '\0'; ++*at) {
		if (**at == '\\' && (*at)[1] != '\0')
			++*at;
		if (!add(word, &len, **at))
			return JP_ERR_INVALID;
	}
	if (**at != '\'')
		return JP_ERR_INVALID;
	++*at;
	return **at == '\0' || strchr(BLANKS, **at) != NULL ? JP_ERR_OK
	                                                    : JP_ERR_INVALID;
}

static enum jp_err
read_plain(const char **at, struct jp_conninfo_word *word)
{
	size_t len = 0;

	for (; **at != '\0' && strchr(BLANKS, **at) == NULL; ++*at) {
		if (**at == '\\' && (*at)[1] != '\0')
			++*at;
		if (!add(word, &len, **at))
			return JP_ERR_INVALID;
	}
	return JP_ERR_OK;
}

enum jp_err
jp_conninfo_next(const char **at, struct jp_conninfo_word *word)
{
	size_t len;

	memset(word, 0, sizeof(*word));
	*at += strspn(*at, BLANKS);
	if (**at == '\0')
		return JP_ERR_OK;
	len = strspn(*at, KEY_BYTES);
	if (len == 0 || len > JP_CONNINFO_KEY_MAX)
		return JP_ERR_INVALID;
	memcpy(word->key, *at, len);
	*at += len;
	*at += strspn(*at, BLANKS);
	if (**at != '=')
		return JP_ERR_INVALID;
	++*at;
	*at += strspn(*at, BLANKS);
	if (**at != '\'')
		return read_plain(at, word);
	++*at;
	return read_quoted(at, word);
}

bool
jp_conninfo_find(
    const char *conninfo, const char *key, struct jp_conninfo_word *word)
{
	struct jp_conninfo_word next;
	bool found = false;

	for (;;) {
		if (jp_conninfo_next(&conninfo, &next) != JP_ERR_OK)
			return false;
		if (next.key[0] == '\0')
			return found;
		if (strcmp(next.key, key) != 0)
			continue;
		*word = next;
		found = true;
	}
}
