#include "pat_httpd/fcgi_params.h"

#include <string.h>

#define LONG_LENGTH 0x80 /* the first bit of a length of four bytes */

void
fcgi_pairs_start(struct fcgi_pairs *pairs, const struct fcgi_name *names,
    size_t names_len, struct fcgi_param *params, char *text, size_t text_size)
{
	*pairs = (struct fcgi_pairs){ .names = names,
		.names_len = names_len,
		.params = params,
		.text = text,
		.text_size = text_size };
	memset(params, 0, names_len * sizeof(*params));
}

/* ---- names ---- */

/* As CGI makes a name of a header field (RFC 3875 §4.1.18), and what proxies
 * make the same of. */
static char
folded(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c == '-' || c == '.' || c == ' ' ? '_' : c;
}

static bool
is_like(const struct fcgi_pairs *pairs, const struct fcgi_name *name)
{
	size_t i = 0;

	if (pairs->name_len != name->len)
		return false;
	while (i < name->len && folded(pairs->name[i]) == name->text[i])
		i++;
	return i == name->len;
}

/* The parameter of this name, in whatever spelling; NULL: it is not read. */
static struct fcgi_param *
param_of(const struct fcgi_pairs *pairs)
{
	size_t i = 0;

	while (i < pairs->names_len && !is_like(pairs, &pairs->names[i]))
		i++;
	if (i == pairs->names_len)
		return NULL;
	if (memcmp(pairs->name, pairs->names[i].text, pairs->name_len) != 0)
		pairs->params[i].odd = true;
	return &pairs->params[i];
}

/* The name is complete; false: there is no room for its value. */
static bool
begin_value(struct fcgi_pairs *pairs)
{
	struct fcgi_param *param = param_of(pairs);

	pairs->stage = FCGI_VALUE;
	pairs->param = param;
	pairs->keeps = param != NULL && param->count++ == 0;
	if (!pairs->keeps)
		return true;
	param->value = pairs->text + pairs->text_len;
	return pairs->value_left < pairs->text_size - pairs->text_len;
}

static void
end_value(struct fcgi_pairs *pairs)
{
	if (pairs->keeps)
		pairs->text[pairs->text_len++] = '\0';
	pairs->stage = FCGI_LENGTHS;
	pairs->lengths_len = 0;
}

/* ---- lengths ---- */

/* How many bytes the length takes that begins with `first`. */
static size_t
width(uint8_t first)
{
	return (first & LONG_LENGTH) != 0 ? 4 : 1;
}

static size_t
length_at(const uint8_t *bytes)
{
	if (width(bytes[0]) == 1)
		return bytes[0];
	return (size_t)(bytes[0] & ~LONG_LENGTH & 0xff) << 24 |
	       (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static bool
lengths_whole(const struct fcgi_pairs *pairs)
{
	size_t first = width(pairs->lengths[0]);

	return pairs->lengths_len > first &&
	       pairs->lengths_len == first + width(pairs->lengths[first]);
}

/* Both lengths are complete; false: the pair would be too long. */
static bool
begin_name(struct fcgi_pairs *pairs)
{
	size_t name = length_at(pairs->lengths);
	size_t value = length_at(pairs->lengths + width(pairs->lengths[0]));

	pairs->stage = FCGI_NAME;
	pairs->name_left = name;
	pairs->value_left = value;
	pairs->name_len = 0;
	return name + value <= FCGI_PAIRS_MAX - pairs->len;
}

/* ---- bytes ---- */

static size_t
take_length(struct fcgi_pairs *pairs, const uint8_t *bytes)
{
	pairs->lengths[pairs->lengths_len++] = bytes[0];
	return 1;
}

static size_t
take_name(struct fcgi_pairs *pairs, const uint8_t *bytes, size_t len)
{
	size_t used = len < pairs->name_left ? len : pairs->name_left;

	if (pairs->name_len + used <= sizeof(pairs->name))
		memcpy(pairs->name + pairs->name_len, bytes, used);
	pairs->name_len += used;
	pairs->name_left -= used;
	return used;
}

static size_t
take_value(struct fcgi_pairs *pairs, const uint8_t *bytes, size_t len)
{
	size_t used = len < pairs->value_left ? len : pairs->value_left;

	if (pairs->param != NULL && memchr(bytes, '\0', used) != NULL)
		pairs->param->odd = true;
	if (pairs->keeps) {
		memcpy(pairs->text + pairs->text_len, bytes, used);
		pairs->text_len += used;
	}
	pairs->value_left -= used;
	return used;
}

/* On to what follows, where nothing is left of the stage. */
static bool
advance(struct fcgi_pairs *pairs)
{
	bool ok = true;

	if (pairs->stage == FCGI_LENGTHS && lengths_whole(pairs))
		ok = begin_name(pairs);
	if (ok && pairs->stage == FCGI_NAME && pairs->name_left == 0)
		ok = begin_value(pairs);
	if (ok && pairs->stage == FCGI_VALUE && pairs->value_left == 0)
		end_value(pairs);
	return ok;
}

bool
fcgi_pairs_read(struct fcgi_pairs *pairs, const uint8_t *bytes, size_t len)
{
	size_t used = 0;

	if (len > FCGI_PAIRS_MAX - pairs->len)
		return false;
	for (size_t at = 0; at < len; at += used, pairs->len += used) {
		switch (pairs->stage) {
		case FCGI_LENGTHS:
			used = take_length(pairs, bytes + at);
			break;
		case FCGI_NAME:
			used = take_name(pairs, bytes + at, len - at);
			break;
		case FCGI_VALUE:
			used = take_value(pairs, bytes + at, len - at);
			break;
		}
		if (!advance(pairs))
			return false;
	}
	return true;
}

bool
fcgi_pairs_whole(const struct fcgi_pairs *pairs)
{
	return pairs->stage == FCGI_LENGTHS && pairs->lengths_len == 0;
}
