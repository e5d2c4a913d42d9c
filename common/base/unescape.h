/*
 * Decodes escaped characters as in URLs (%5F), C, JSON and JavaScript (\x5f,
 * \u005f, \137), HTML (&#95;, &lowbar;), Markdown (\_) and quoted-printable
 * (=5F), byte by byte. What is not an escape passes unchanged.
 */
#ifndef JP_UNESCAPE_H
#define JP_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	JP_ESCAPE_MAX =
	    12, /* bytes of the longest escape, &UnderBar; and such */
	JP_UNESCAPE_LAYERS = 3, /* so often may a character be escaped */
	JP_UNESCAPE_ALL_MAX = JP_UNESCAPE_LAYERS * JP_ESCAPE_MAX,
};

/* An escape that may still be incomplete; zeroed at the start. */
struct jp_unescape {
	char text[JP_ESCAPE_MAX];
	size_t len;
};

/* Whether an escape may begin with `c`. */
static inline bool
jp_may_escape(char c)
{
	return c == '%' || c == '\\' || c == '&' || c == '=';
}

/* Whether `c` would come out at once and alone. */
bool jp_unescape_passes(const struct jp_unescape *state, char c);

/*
 * Takes one byte; `out` gets those that are final, at most JP_ESCAPE_MAX.
 * Returns how many. A character beyond ASCII becomes one byte 0xff.
 */
size_t jp_unescape(struct jp_unescape *state, char c, char out[JP_ESCAPE_MAX]);

/* At the end: what was still incomplete. */
size_t jp_unescape_end(struct jp_unescape *state, char out[JP_ESCAPE_MAX]);

/* Escapes inside escapes; zeroed at the start. */
struct jp_unescape_all {
	struct jp_unescape layers[JP_UNESCAPE_LAYERS];
};

/* As jp_unescape(), through all layers; at most JP_UNESCAPE_ALL_MAX bytes. */
size_t jp_unescape_all(
    struct jp_unescape_all *state, char c, char out[JP_UNESCAPE_ALL_MAX]);
size_t jp_unescape_all_end(
    struct jp_unescape_all *state, char out[JP_UNESCAPE_ALL_MAX]);

/*
 * What becomes of text[0], one of `%`, `\`, `&` and `=`, if all in front of it
 * is read: the bytes of the escape that it begins, and in `c` what that stands
 * for; 1 if it begins none, not even with what other escapes stand for; 0 if it
 * takes more than this text to know, or if the escape stands for nothing.
 */
size_t jp_unescape_peek(const char *text, size_t len, char *c);

#endif
