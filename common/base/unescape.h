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
};

/* An escape that may still be incomplete; zeroed at the start. */
struct jp_unescape {
	char text[JP_ESCAPE_MAX];
	size_t len;
};

/* Whether `c` would come out at once and alone. */
bool jp_unescape_passes(const struct jp_unescape *state, char c);

/*
 * Takes one byte; `out` gets those that are final, at most JP_ESCAPE_MAX.
 * Returns how many. A character beyond ASCII becomes one byte 0xff.
 */
size_t jp_unescape(struct jp_unescape *state, char c, char out[JP_ESCAPE_MAX]);

/* At the end: what was still incomplete. */
size_t jp_unescape_end(struct jp_unescape *state, char out[JP_ESCAPE_MAX]);

#endif
