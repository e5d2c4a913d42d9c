#include "common/record/token_match.h"

#include <string.h>

#include "common/record/sextet.h"

enum {
	CODE_LEN = JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
	TAIL_LEN = 1 + JP_TOKEN_ID_LEN + 1 + CODE_LEN,
	TEXT_MAX = JP_TOKEN_PREFIX_MAX + TAIL_LEN,
};

/* ---- One text ---- */

static bool
is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

size_t
jp_token_ending(const char *prefix, const char *end, size_t longest,
    struct jp_token *token, bool *checked)
{
	size_t prefix_len = strlen(prefix);
	size_t expected = prefix_len + TAIL_LEN;

	*checked = true;
	for (size_t len = longest; len > TAIL_LEN; len--)
		if (jp_token_parse(end - len, len, token) == JP_ERR_OK)
			return len;
	*checked = false;
	if (expected > longest ||
	    memcmp(end - expected, prefix, prefix_len) != 0)
		return 0;
	(void)jp_token_parse(end - expected, expected, token);
	return expected;
}

/*
 * Both readings see what is not hidden, and perhaps not at the same byte: what
 * may be an escape waits. No other token ends so near.
 */
static bool
is_news(struct jp_token_match *match, const struct jp_found *found)
{
	bool again =
	    match->at - match->last_at < TAIL_LEN &&
	    memcmp(match->last_id, found->token.id, JP_TOKEN_ID_LEN) == 0;

	match->last_at = match->at;
	memcpy(match->last_id, found->token.id, JP_TOKEN_ID_LEN);
	return !again;
}

/* The runs of letters have the lengths of a token's parts. */
static void
look(
    struct jp_token_match *match, const struct jp_token_node *node, bool base64)
{
	struct jp_found found = { .base64 = base64, .line = match->line };
	size_t prefix_len = node->ahead < JP_TOKEN_PREFIX_MAX
	                        ? node->ahead
	                        : JP_TOKEN_PREFIX_MAX;
	size_t longest = prefix_len + TAIL_LEN;
	char text[TEXT_MAX];

	for (size_t i = 0; i < longest; i++)
		text[i] =
		    node->ring[(node->at - longest + i) % JP_TOKEN_MATCH_RING];
	found.len = jp_token_ending(match->prefix, text + longest, longest,
	    &found.token, &found.checked);
	found.text = text + longest - found.len;
	if (found.len != 0 && is_news(match, &found))
		match->err = match->take(match->arg, &found);
	explicit_bzero(text, sizeof(text));
}

static void
scan_byte(struct jp_token_match *match, struct jp_token_node *node, bool base64,
    char c)
{
	node->ring[node->at++ % JP_TOKEN_MATCH_RING] = c;
	if (is_base62(c)) {
		node->run++;
		if (node->run == CODE_LEN && node->before == JP_TOKEN_ID_LEN &&
		    node->ahead > 0 && match->err == JP_ERR_OK)
			look(match, node, base64);
		return;
	}
	node->ahead = c == '_' ? node->before : 0;
	node->before = c == '_' ? node->run : 0;
	node->run = 0;
}

/* ---- Base64 ---- */

static void read_byte(struct jp_token_match *match,
    struct jp_token_reading *reading, size_t at, char c);

/* The node for base64 in node `at` that begins at one of its places. */
static size_t
child_of(size_t at, size_t place)
{
	return 1 + JP_TOKEN_MATCH_PHASES * at + place % JP_TOKEN_MATCH_PHASES;
}

/*
 * Nobody knows where base64 begins in a run of its letters: "Basic%20c3Nv".
 * So it is read in four phases; each sextet completes a group of one of them.
 */
static void
add_sextet(struct jp_token_match *match, struct jp_token_reading *reading,
    size_t at, uint32_t sextet)
{
	struct jp_token_node *node = &reading->nodes[at];
	uint32_t bits = node->bits << 6 | sextet;
	size_t child;

	node->bits = bits;
	node->sextets++;
	if (node->sextets < JP_TOKEN_MATCH_PHASES)
		return;
	child = child_of(at, node->sextets);
	read_byte(match, reading, child, (char)(bits >> 16 & 0xff));
	read_byte(match, reading, child, (char)(bits >> 8 & 0xff));
	read_byte(match, reading, child, (char)(bits & 0xff));
}

/* What is left of the last group: 2 sextets hold 1 byte, 3 hold 2. */
static void
end_base64(
    struct jp_token_match *match, struct jp_token_reading *reading, size_t at)
{
	struct jp_token_node *node = &reading->nodes[at];
	size_t count = node->sextets;
	uint32_t bits = node->bits;

	node->sextets = 0;
	if (at >= JP_TOKEN_MATCH_INNER || count < JP_TOKEN_MATCH_PHASES)
		return; /* the children have seen nothing, and this is little */
	for (size_t left = 2; left <= 3 && count >= left; left++) {
		size_t child = child_of(at, count - left);

		if (left == 3)
			read_byte(
			    match, reading, child, (char)(bits >> 10 & 0xff));
		read_byte(match, reading, child,
		    (char)(bits >> (left == 3 ? 2 : 4) & 0xff));
	}
	for (size_t i = 0; i < JP_TOKEN_MATCH_PHASES; i++) {
		struct jp_token_node *child = &reading->nodes[child_of(at, i)];

		end_base64(match, reading, child_of(at, i));
		child->run = child->before = child->ahead = 0;
		child->line_begins = false;
	}
}

/* An indentation, or what a diff or a quotation puts before a line. */
static bool
is_mark(
    const struct jp_token_reading *reading, struct jp_token_node *node, char c)
{
	if (c == '\n')
		node->line_begins = true;
	else if (node->line_begins)
		node->line_begins =
		    c != '\0' && strchr(reading->marks, c) != NULL;
	return node->line_begins;
}

static void
read_base64(struct jp_token_match *match, struct jp_token_reading *reading,
    size_t at, char c)
{
	unsigned int sextet = jp_sextet(c);

	if (is_mark(reading, &reading->nodes[at], c))
		return;
	if (sextet != JP_NO_SEXTET)
		add_sextet(match, reading, at, sextet);
	else if (c != '\r')
		end_base64(match, reading, at);
}

static void
read_byte(struct jp_token_match *match, struct jp_token_reading *reading,
    size_t at, char c)
{
	if (c == '\0' && reading == &match->decoded)
		return; /* the other half of a character of UTF-16 */
	scan_byte(match, &reading->nodes[at], at > 0, c);
	if (at < JP_TOKEN_MATCH_INNER)
		read_base64(match, reading, at, c);
}

static void
read_decoded(struct jp_token_match *match, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		read_byte(match, &match->decoded, 0, bytes[i]);
}

/* ---- The whole ---- */

void
jp_token_match_start(struct jp_token_match *match, const char *prefix,
    jp_found_take take, void *arg)
{
	memset(match, 0, sizeof(*match));
	match->prefix = prefix;
	match->take = take;
	match->arg = arg;
	jp_token_match_restart(match, 0, 1);
}

void
jp_token_match_restart(struct jp_token_match *match, uint64_t at, uint64_t line)
{
	memset(&match->plain, 0, sizeof(match->plain));
	memset(&match->decoded, 0, sizeof(match->decoded));
	memset(&match->escapes, 0, sizeof(match->escapes));
	match->plain.marks = " \t";
	match->decoded.marks = " \t+->#*|";
	match->at = at;
	match->line = line;
}

enum jp_err
jp_token_match_feed(struct jp_token_match *match, const char *text, size_t len)
{
	char out[JP_UNESCAPE_ALL_MAX];

	for (size_t i = 0; i < len && match->err == JP_ERR_OK; i++) {
		match->at++;
		if (text[i] == '\0' && i > 0 && text[i - 1] == '\0')
			continue; /* the first one has done what there is */
		read_byte(match, &match->plain, 0, text[i]);
		if (text[i] != '\0')
			read_decoded(match, out,
			    jp_unescape_all(&match->escapes, text[i], out));
		match->line += text[i] == '\n';
	}
	return match->err;
}

enum jp_err
jp_token_match_flush(struct jp_token_match *match)
{
	char out[JP_UNESCAPE_ALL_MAX];

	read_decoded(match, out, jp_unescape_all_end(&match->escapes, out));
	end_base64(match, &match->plain, 0);
	end_base64(match, &match->decoded, 0);
	return match->err;
}
