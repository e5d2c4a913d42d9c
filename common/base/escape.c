#include "common/base/escape.h"

#include <string.h>

#include "common/base/token_shape.h"

#define MASK "***"
#define WORD JP_TOKEN_ALPHABET "+/-_" /* also base64, RFC 4648 §4 and §5 */

enum {
	FRAGMENT_MIN = 12, /* behind an id: fewer leave over 100 bits unknown */
	BARE_MIN = JP_TOKEN_SECRET_LEN,
	BARE_MAX = 42,  /* the code of a token, and what is left of an escape */
	BARE_SHOWN = 6, /* of one: it may be somebody's strange name */
	BASE64_MIN = 32,
	SHORTEST = 1 + JP_TOKEN_ID_LEN + 1 + FRAGMENT_MIN, /* text with one */
};

/* ---- what a secret looks like ---- */

enum {
	DIGIT = 1,
	UPPER = 2,
	LOWER = 4,
	MIXED = DIGIT | UPPER | LOWER,
};

/* The run of letters and digits that is being read, and the one before it. */
struct reading {
	bool whole;           /* only a whole secret counts */
	size_t run, before;   /* `before` ended at one '_', or is 0 */
	bool opened, named;   /* a '_' is in front of run, and of before */
	unsigned int classes; /* of `run` */
	size_t begun;         /* of a secret, in the run before: it was cut */
};

static unsigned int
class_of(char c)
{
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (c >= 'A' && c <= 'Z')
		return UPPER;
	return c >= 'a' && c <= 'z' ? LOWER : 0;
}

/* What ends here is the rest of a secret that a blank or a line's end cuts. */
static bool
is_rest(const struct reading *reading)
{
	size_t all = reading->begun + reading->run;

	return reading->begun > 0 && all >= BARE_MIN && all <= BARE_MAX &&
	       reading->classes == MIXED;
}

/* The beginning of a secret behind its id that is too short for one itself. */
static size_t
begun_len(const struct reading *reading)
{
	if (reading->run == 0)
		return reading->begun;
	return reading->named && !reading->whole &&
	               reading->before == JP_TOKEN_ID_LEN &&
	               reading->run < FRAGMENT_MIN
	           ? reading->run
	           : 0;
}

/*
 * `PREFIX_ID_` and the beginning of a secret, or `ID_` and a whole one; also
 * with the wrong checksum, in one case, or with more behind it. Or the secret
 * alone: no word, no UUID and no hexadecimal digest has such a run.
 */
static size_t
secret_len(const struct reading *reading)
{
	size_t min = reading->named && !reading->whole
	                 ? (size_t)FRAGMENT_MIN
	                 : (size_t)JP_TOKEN_SECRET_LEN;

	if (reading->before == JP_TOKEN_ID_LEN && reading->run >= min)
		return reading->run;
	if (is_rest(reading))
		return reading->run;
	if (!reading->whole && reading->run >= BARE_MIN &&
	    reading->run <= BARE_MAX && reading->classes == MIXED)
		return reading->run - BARE_SHOWN;
	return 0;
}

/* Reads on; so much in front of `c` is the end of a secret, or 0. */
static size_t
read_on(struct reading *reading, char c)
{
	unsigned int class = class_of(c);
	size_t secret, begun;
	bool named;

	reading->classes |= class;
	if (class != 0) {
		reading->run++;
		return 0;
	}
	secret = secret_len(reading);
	named = reading->opened;
	begun = begun_len(reading);
	*reading = (struct reading){
		.whole = reading->whole,
		.before = c == '_' ? reading->run : 0,
		.opened = c == '_',
		.named = c == '_' && named,
		.begun = begun,
	};
	return secret;
}

static unsigned int
sextet_of(char c)
{
	switch (class_of(c)) {
	case UPPER:
		return (unsigned int)(c - 'A');
	case LOWER:
		return (unsigned int)(c - 'a' + 26);
	case DIGIT:
		return (unsigned int)(c - '0' + 52);
	default:
		return c == '+' || c == '-' ? 62 : 63;
	}
}

/* As common/record/token_scan.h: nobody knows where base64 begins in its
 * letters. */
static bool
hides_base64(const char *word, size_t len, bool whole)
{
	if (len < BASE64_MIN)
		return false;
	for (size_t phase = 0; phase < 4; phase++) {
		struct reading reading = { .whole = whole };
		unsigned int value = 0, bits = 0;

		for (size_t i = phase; i < len; i++) {
			value = (value << 6 | sextet_of(word[i])) & 0xffff;
			bits += 6;
			if (bits < 8)
				continue;
			bits -= 8;
			if (read_on(&reading, (char)(value >> bits & 0xff)) > 0)
				return true;
		}
		if (read_on(&reading, '\0') > 0)
			return true;
	}
	return false;
}

/* ---- the search ---- */

struct search {
	const char *at;  /* read up to here */
	const char *end; /* of the word that is being read */
	struct reading reading;
};

/* What is not shown. */
struct piece {
	const char *start, *end;
};

/* Most texts are too short to hide anything. */
static void
search_start(struct search *search, const char *text, bool whole)
{
	size_t len = strnlen(text, SHORTEST);

	if (len < SHORTEST)
		text += len;
	*search = (struct search){
		.at = text,
		.end = text,
		.reading = { .whole = whole },
	};
}

/* Begins the next word; true if all of it is secret. */
static bool
enter_word(struct search *search, struct piece *piece)
{
	bool whole = search->reading.whole;
	size_t begun = search->reading.begun;

	search->at += strcspn(search->at, WORD);
	search->end = search->at + strspn(search->at, WORD);
	search->reading = (struct reading){ .whole = whole, .begun = begun };
	piece->start = search->at;
	piece->end = search->end;
	return hides_base64(
	    search->at, (size_t)(search->end - search->at), whole);
}

static bool
search_next(struct search *search, struct piece *piece)
{
	for (;;) {
		bool ends = search->at == search->end;
		size_t secret =
		    read_on(&search->reading, ends ? '\0' : *search->at);

		if (secret > 0) {
			piece->start = search->at - secret;
			piece->end = search->at;
			search->at += !ends;
			return true;
		}
		if (!ends) {
			search->at++;
			continue;
		}
		if (*search->at == '\0') /* there is no other word */
			return false;
		if (enter_word(search, piece)) {
			search->at = search->end;
			return true;
		}
	}
}

/* ---- what others call ---- */

bool
jp_has_token(const char *text)
{
	struct search search;
	struct piece piece;

	search_start(&search, text, true);
	return search_next(&search, &piece);
}

void
jp_mask(char *text)
{
	const char *from = text;
	char *to = text;
	struct search search;
	struct piece piece;

	search_start(&search, text, false);
	while (search_next(&search, &piece)) {
		size_t len = (size_t)(piece.start - from);

		memmove(to, from, len);
		memcpy(to + len, MASK, sizeof(MASK) - 1);
		to += len + sizeof(MASK) - 1;
		from = piece.end;
	}
	memmove(to, from, strlen(from) + 1);
}

struct line {
	char *text;
	size_t size, len;
	bool full;
};

static void
put_escaped(struct line *line, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len && !line->full; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain =
		    c >= 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\';

		line->full = line->len + (plain ? 1 : 4) >= line->size;
		if (line->full)
			break;
		if (plain) {
			line->text[line->len++] = (char)c;
			continue;
		}
		line->text[line->len++] = '\\';
		line->text[line->len++] = 'x';
		line->text[line->len++] = hex[c >> 4];
		line->text[line->len++] = hex[c & 15];
	}
}

const char *
jp_escape(char *dst, size_t size, const char *text)
{
	struct line line = { .text = dst, .size = size };
	struct search search;
	struct piece piece;

	search_start(&search, text, false);
	while (search_next(&search, &piece)) {
		put_escaped(&line, text, (size_t)(piece.start - text));
		put_escaped(&line, MASK, sizeof(MASK) - 1);
		text = piece.end;
	}
	put_escaped(&line, text, strlen(text));
	dst[line.len] = '\0';
	return dst;
}

/* ---- texts that were cut ---- */

/* How many bytes a character has that begins so; 1: whatever else it may be. */
static size_t
character_len(char first)
{
	const unsigned char byte = (unsigned char)first;

	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

void
jp_cut_end(char *text)
{
	size_t len = strlen(text), more = 0;

	while (more < 3 && more < len &&
	       ((unsigned char)text[len - 1 - more] & 0xc0) == 0x80)
		more++;
	if (more < len && character_len(text[len - 1 - more]) > more + 1)
		text[len - 1 - more] = '\0';
}
