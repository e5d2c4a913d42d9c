#include "common/record/token_scan.h"

#include <string.h>

enum {
	CODE_LEN = JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
	TAIL_LEN = 1 + JP_TOKEN_ID_LEN + 1 + CODE_LEN,
	TEXT_MAX = JP_TOKEN_PREFIX_MAX + TAIL_LEN,
	NO_SEXTET = -1,
	SKIPPED = -2, /* ends no run of base64 */
};

/* ---- One text ---- */

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
token_len(const struct jp_token_scan *scan, const char *end, size_t longest,
    struct jp_token *token, bool *checked)
{
	size_t prefix_len = strlen(scan->prefix);
	size_t expected = prefix_len + TAIL_LEN;

	*checked = true;
	for (size_t len = longest; len > TAIL_LEN; len--)
		if (jp_token_parse(end - len, len, token) == JP_ERR_OK)
			return len;
	*checked = false;
	if (expected > longest ||
	    memcmp(end - expected, scan->prefix, prefix_len) != 0)
		return 0;
	(void)jp_token_parse(end - expected, expected, token);
	return expected;
}

/*
 * Both readings see what is not hidden, and perhaps not at the same byte: what
 * may be an escape waits. No other token ends so near.
 */
static bool
is_news(struct jp_token_scan *scan, const struct jp_found *found)
{
	bool again =
	    scan->at - scan->last_at < TAIL_LEN &&
	    memcmp(scan->last_id, found->token.id, JP_TOKEN_ID_LEN) == 0;

	scan->last_at = scan->at;
	memcpy(scan->last_id, found->token.id, JP_TOKEN_ID_LEN);
	return !again;
}

/* The runs of letters have the lengths of a token's parts. */
static void
look(struct jp_token_scan *scan, const struct jp_token_scan_node *node,
    bool base64)
{
	struct jp_found found = { .base64 = base64, .line = scan->line };
	size_t prefix_len = node->ahead < JP_TOKEN_PREFIX_MAX
	                        ? node->ahead
	                        : JP_TOKEN_PREFIX_MAX;
	size_t longest = prefix_len + TAIL_LEN;
	char text[TEXT_MAX];

	for (size_t i = 0; i < longest; i++)
		text[i] =
		    node->ring[(node->at - longest + i) % JP_TOKEN_SCAN_RING];
	found.len = token_len(
	    scan, text + longest, longest, &found.token, &found.checked);
	found.text = text + longest - found.len;
	if (found.len != 0 && is_news(scan, &found))
		scan->err = scan->take(scan->arg, &found);
	explicit_bzero(text, sizeof(text));
}

static void
scan_byte(struct jp_token_scan *scan, struct jp_token_scan_node *node,
    bool base64, char c)
{
	node->ring[node->at++ % JP_TOKEN_SCAN_RING] = c;
	if (is_base62(c)) {
		node->run++;
		if (node->run == CODE_LEN && node->before == JP_TOKEN_ID_LEN &&
		    node->ahead > 0 && scan->err == JP_ERR_OK)
			look(scan, node, base64);
		return;
	}
	node->ahead = c == '_' ? node->before : 0;
	node->before = c == '_' ? node->run : 0;
	node->run = 0;
}

/* ---- Base64 ---- */

static int
sextet_of(char c)
{
	/* By the byte: the sextet and 1, or 0. */
	static const unsigned char sextets[256] = {
#define AT(c, n) [c] = (n) + 1
#define EIGHT(c, n)                                                            \
	AT(c, n), AT((c) + 1, (n) + 1), AT((c) + 2, (n) + 2),                  \
	    AT((c) + 3, (n) + 3), AT((c) + 4, (n) + 4), AT((c) + 5, (n) + 5),  \
	    AT((c) + 6, (n) + 6), AT((c) + 7, (n) + 7)
		EIGHT('A', 0),
		EIGHT('I', 8),
		EIGHT('Q', 16),
		AT('Y', 24),
		AT('Z', 25),
		EIGHT('a', 26),
		EIGHT('i', 34),
		EIGHT('q', 42),
		AT('y', 50),
		AT('z', 51),
		EIGHT('0', 52),
		AT('8', 60),
		AT('9', 61),
		AT('+', 62),
		AT('-', 62),
		AT('/', 63),
		AT('_', 63),
#undef EIGHT
#undef AT
	};
	int sextet = sextets[(unsigned char)c] - 1;

	if (sextet < 0)
		return c == '\n' || c == '\r' ? SKIPPED : NO_SEXTET;
	return sextet;
}

static void read_byte(struct jp_token_scan *scan,
    struct jp_token_scan_reading *reading, size_t at, char c);

/* The node for base64 in node `at` that begins at one of its places. */
static size_t
child_of(size_t at, size_t place)
{
	return 1 + JP_TOKEN_SCAN_PHASES * at + place % JP_TOKEN_SCAN_PHASES;
}

/*
 * Nobody knows where base64 begins in a run of its letters: "Basic%20c3Nv".
 * So it is read in four phases; each sextet completes a group of one of them.
 */
static void
add_sextet(struct jp_token_scan *scan, struct jp_token_scan_reading *reading,
    size_t at, uint32_t sextet)
{
	struct jp_token_scan_node *node = &reading->nodes[at];
	uint32_t bits = node->bits << 6 | sextet;
	size_t child;

	node->bits = bits;
	node->sextets++;
	if (node->sextets < JP_TOKEN_SCAN_PHASES)
		return;
	child = child_of(at, node->sextets);
	read_byte(scan, reading, child, (char)(bits >> 16 & 0xff));
	read_byte(scan, reading, child, (char)(bits >> 8 & 0xff));
	read_byte(scan, reading, child, (char)(bits & 0xff));
}

/* What is left of the last group: 2 sextets hold 1 byte, 3 hold 2. */
static void
end_base64(struct jp_token_scan *scan, struct jp_token_scan_reading *reading,
    size_t at)
{
	struct jp_token_scan_node *node = &reading->nodes[at];
	size_t count = node->sextets;
	uint32_t bits = node->bits;

	node->sextets = 0;
	if (at >= JP_TOKEN_SCAN_INNER || count < JP_TOKEN_SCAN_PHASES)
		return; /* the children have seen nothing, and this is little */
	for (size_t left = 2; left <= 3 && count >= left; left++) {
		size_t child = child_of(at, count - left);

		if (left == 3)
			read_byte(
			    scan, reading, child, (char)(bits >> 10 & 0xff));
		read_byte(scan, reading, child,
		    (char)(bits >> (left == 3 ? 2 : 4) & 0xff));
	}
	for (size_t i = 0; i < JP_TOKEN_SCAN_PHASES; i++) {
		struct jp_token_scan_node *child =
		    &reading->nodes[child_of(at, i)];

		end_base64(scan, reading, child_of(at, i));
		child->run = child->before = child->ahead = 0;
	}
}

/* An indentation, or what a diff or a quotation puts before a line. */
static bool
is_mark(const struct jp_token_scan_reading *reading,
    struct jp_token_scan_node *node, char c)
{
	if (c == '\n')
		node->line_begins = true;
	else if (node->line_begins)
		node->line_begins =
		    c != '\0' && strchr(reading->marks, c) != NULL;
	return node->line_begins;
}

static void
read_base64(struct jp_token_scan *scan, struct jp_token_scan_reading *reading,
    size_t at, char c)
{
	int sextet = sextet_of(c);

	if (is_mark(reading, &reading->nodes[at], c))
		return;
	if (sextet >= 0)
		add_sextet(scan, reading, at, (uint32_t)sextet);
	else if (sextet == NO_SEXTET)
		end_base64(scan, reading, at);
}

static void
read_byte(struct jp_token_scan *scan, struct jp_token_scan_reading *reading,
    size_t at, char c)
{
	if (c == '\0' && reading == &scan->decoded)
		return; /* the other half of a character of UTF-16 */
	scan_byte(scan, &reading->nodes[at], at > 0, c);
	if (at < JP_TOKEN_SCAN_INNER)
		read_base64(scan, reading, at, c);
}

/* ---- The whole ---- */

/* The bytes that came out of one layer of escapes go into the next one. */
static void
read_escaped(
    struct jp_token_scan *scan, size_t layer, const char *bytes, size_t len)
{
	const size_t first = layer;
	char out[JP_ESCAPE_MAX];

	for (size_t i = 0; i < len; i++, layer = first) {
		while (layer < JP_TOKEN_SCAN_ESCAPES &&
		       jp_unescape_passes(&scan->escapes[layer], bytes[i]))
			layer++;
		if (layer == JP_TOKEN_SCAN_ESCAPES)
			read_byte(scan, &scan->decoded, 0, bytes[i]);
		else
			read_escaped(scan, layer + 1, out,
			    jp_unescape(&scan->escapes[layer], bytes[i], out));
	}
}

static void
end_escaped(struct jp_token_scan *scan)
{
	char out[JP_ESCAPE_MAX];

	for (size_t layer = 0; layer < JP_TOKEN_SCAN_ESCAPES; layer++)
		read_escaped(scan, layer + 1, out,
		    jp_unescape_end(&scan->escapes[layer], out));
}

void
jp_token_scan_start(struct jp_token_scan *scan, const char *prefix,
    jp_found_take take, void *arg)
{
	memset(scan, 0, sizeof(*scan));
	scan->prefix = prefix;
	scan->take = take;
	scan->arg = arg;
	scan->line = 1;
	scan->plain.marks = " \t";
	scan->decoded.marks = " \t+->#*|";
}

enum jp_err
jp_token_scan_feed(struct jp_token_scan *scan, const void *bytes, size_t len)
{
	const char *text = bytes;

	for (size_t i = 0; i < len && scan->err == JP_ERR_OK; i++) {
		scan->at++;
		read_byte(scan, &scan->plain, 0, text[i]);
		if (text[i] != '\0')
			read_escaped(scan, 0, &text[i], 1);
		scan->line += text[i] == '\n';
	}
	return scan->err;
}

enum jp_err
jp_token_scan_end(struct jp_token_scan *scan)
{
	enum jp_err err;

	end_escaped(scan);
	end_base64(scan, &scan->plain, 0);
	end_base64(scan, &scan->decoded, 0);
	err = scan->err;
	explicit_bzero(scan, sizeof(*scan));
	return err;
}
