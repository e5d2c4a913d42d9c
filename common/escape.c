#include "common/escape.h"

#include <stdbool.h>

const char *
jp_escape(char *dst, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain =
		    c >= 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\';

		if (len + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			dst[len++] = (char)c;
			continue;
		}
		dst[len++] = '\\';
		dst[len++] = 'x';
		dst[len++] = hex[c >> 4];
		dst[len++] = hex[c & 15];
	}
	dst[len] = '\0';
	return dst;
}
