/*
 * What the text of a token is made of: for common/wire/token.h, which reads
 * and writes it, and for common/base/escape.h, which hides it.
 */
#ifndef JP_TOKEN_SHAPE_H
#define JP_TOKEN_SHAPE_H

#define JP_TOKEN_PREFIX "jpat"
#define JP_TOKEN_PREFIX_MAX 15
#define JP_TOKEN_ID_LEN 8
#define JP_TOKEN_SECRET_LEN 30
#define JP_TOKEN_CRC_LEN 6
#define JP_TOKEN_ALPHABET                                                      \
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#endif
