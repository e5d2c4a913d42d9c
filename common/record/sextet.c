#include "common/record/sextet.h"

#define AT(c, n) [c] = (n) + 1
#define EIGHT(c, n)                                                            \
	AT(c, n), AT((c) + 1, (n) + 1), AT((c) + 2, (n) + 2),                  \
	    AT((c) + 3, (n) + 3), AT((c) + 4, (n) + 4), AT((c) + 5, (n) + 5),  \
	    AT((c) + 6, (n) + 6), AT((c) + 7, (n) + 7)

const unsigned char jp_sextets[256] = {
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
};
