/*
 * What a letter of base64 stands for, in both alphabets (RFC 4648 §4 and §5).
 */
#ifndef JP_SEXTET_H
#define JP_SEXTET_H

#include <stdbool.h>

enum { JP_NO_SEXTET = 0xff };

extern const unsigned char jp_sextets[256]; /* and 1; or 0 */

/* 0 to 63, or JP_NO_SEXTET. */
static inline unsigned char
jp_sextet(char c)
{
	return (unsigned char)(jp_sextets[(unsigned char)c] - 1);
}

/* One that is never a mark at the beginning of a line. */
static inline bool
jp_is_letter(char c)
{
	return jp_sextet(c) != JP_NO_SEXTET && c != '+' && c != '-';
}

#endif
