#include "common/finder.h"

#include <string.h>

enum {
	CODE_LEN = JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
	TAIL_LEN = 1 + JP_TOKEN_ID_LEN + 1 + CODE_LEN,
	TEXT_MAX = JP_TOKEN_PREFIX_MAX + TAIL_LEN,
	NO_SEXTET = -1,
	SKIPPED = -2, /* ends no run of base64 */
};

/* ---- One reading of the stream ---- */

static bool
is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/*
 * Where the token in the last `longest` bytes of `text` begins: its own
 * checksum says it. Else at the prefix, if that is there. 0: nowhere.
 */
static size_t
token_len(const struct jp_finder *finder, const char *end, size_t longest,
    struct jp_token *token, bool *checked)
{
	size_t prefix_len = strlen(finder->prefix);
	size_t expected = prefix_len + TAIL_LEN;

	*checked = true;
	for (size_t len = longest; len > TAIL_LEN; len--)
		if (jp_token_parse(end - len, len, token) == JP_ERR_OK)
			return len;
	*checked = false;
	if (expected > longest ||
	    memcmp(end - expected, finder->prefix, prefix_len) != 0)
		return 0;
	(void)jp_token_parse(end - expected, expected, token);
	return expected;
}

/* The runs of letters have the lengths of a token's parts. */
static void
look(struct jp_finder *finder, const struct jp_finder_scan *scan)
{
	struct jp_found found = {
		.base64 = scan != &finder->plain,
		.line = finder->line,
	};
	size_t prefix_len = scan->ahead < JP_TOKEN_PREFIX_MAX
	                        ? scan->ahead
	                        : JP_TOKEN_PREFIX_MAX;
	size_t longest = prefix_len + TAIL_LEN;
	char text[TEXT_MAX];

	for (size_t i = 0; i < longest; i++)
		text[i] = scan->ring[(scan->at - longest + i) % JP_FINDER_RING];
	found.len = token_len(
	    finder, text + longest, longest, &found.token, &found.checked);
	found.text = text + longest - found.len;
	if (found.len != 0)
		finder->err = finder->take(finder->arg, &found);
	explicit_bzero(text, sizeof(text));
}

static void
scan_byte(struct jp_finder *finder, struct jp_finder_scan *scan, char c)
{
	scan->ring[scan->at++ % JP_FINDER_RING] = c;
	if (is_base62(c)) {
		scan->run++;
		if (scan->run == CODE_LEN && scan->before == JP_TOKEN_ID_LEN &&
		    scan->ahead > 0 && finder->err == JP_ERR_OK)
			look(finder, scan);
		return;
	}
	scan->ahead = c == '_' ? scan->before : 0;
	scan->before = c == '_' ? scan->run : 0;
	scan->run = 0;
}

/* ---- Base64 ---- */

static int
sextet_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return c == '\n' || c == '\r' ? SKIPPED : NO_SEXTET;
}

/*
 * Nobody knows where base64 begins in a run of its letters: "Basic%20c3Nv".
 * So it is read in four phases; each sextet completes a group of one of them.
 */
static void
add_sextet(struct jp_finder *finder, uint32_t sextet)
{
	struct jp_finder_scan *scan;
	uint32_t bits = finder->bits << 6 | sextet;

	finder->bits = bits;
	finder->sextets++;
	scan = &finder->decoded[finder->sextets % JP_FINDER_PHASES];
	if (finder->sextets < JP_FINDER_PHASES)
		return;
	scan_byte(finder, scan, (char)(bits >> 16 & 0xff));
	scan_byte(finder, scan, (char)(bits >> 8 & 0xff));
	scan_byte(finder, scan, (char)(bits & 0xff));
}

/* What is left of the last group: 2 sextets hold 1 byte, 3 hold 2. */
static void
end_base64(struct jp_finder *finder)
{
	size_t count = finder->sextets;
	uint32_t bits = finder->bits;

	for (size_t left = 2; left <= 3 && count >= left; left++) {
		struct jp_finder_scan *scan =
		    &finder->decoded[(count - left) % JP_FINDER_PHASES];

		if (left == 3)
			scan_byte(finder, scan, (char)(bits >> 10 & 0xff));
		scan_byte(
		    finder, scan, (char)(bits >> (left == 3 ? 2 : 4) & 0xff));
	}
	for (size_t i = 0; i < JP_FINDER_PHASES; i++) {
		struct jp_finder_scan *scan = &finder->decoded[i];

		scan->run = scan->before = scan->ahead = 0;
	}
	finder->sextets = 0;
}

/* ---- The whole ---- */

void
jp_finder_start(
    struct jp_finder *finder, const char *prefix, jp_found_take take, void *arg)
{
	memset(finder, 0, sizeof(*finder));
	finder->prefix = prefix;
	finder->take = take;
	finder->arg = arg;
	finder->line = 1;
}

enum jp_err
jp_finder_feed(struct jp_finder *finder, const void *bytes, size_t len)
{
	const char *text = bytes;

	for (size_t i = 0; i < len && finder->err == JP_ERR_OK; i++) {
		int sextet = sextet_of(text[i]);

		scan_byte(finder, &finder->plain, text[i]);
		if (sextet >= 0)
			add_sextet(finder, (uint32_t)sextet);
		else if (sextet == NO_SEXTET && finder->sextets > 0)
			end_base64(finder);
		finder->line += text[i] == '\n';
	}
	return finder->err;
}

enum jp_err
jp_finder_end(struct jp_finder *finder)
{
	enum jp_err err;

	end_base64(finder);
	err = finder->err;
	explicit_bzero(finder, sizeof(*finder));
	return err;
}
