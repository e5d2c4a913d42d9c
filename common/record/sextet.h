/*
 * What a letter of base64 stands for, in both alphabets (RFC 4648 §4 and §5).
 */
#ifndef JP_SEXTET_H
#define JP_SEXTET_H

/* 0 to 63, or -1. */
int jp_sextet(char c);

#endif
