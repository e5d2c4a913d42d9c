/*
 * The number of a token, beside its id: for protocols whose ids are integers,
 * as Jira's are. It is the id read as a number in base62, plus 2^32: so it is
 * stable and unique, needs more than 32 bits, as Jira's own do, and fits the
 * 53 bits that a number of JSON has everywhere. Nothing is stored. Pure.
 */
#ifndef JP_TOKEN_NUMBER_H
#define JP_TOKEN_NUMBER_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/base/token_shape.h"

#define JP_TOKEN_NUMBER_MIN UINT64_C(4294967296)      /* of "00000000" */
#define JP_TOKEN_NUMBER_MAX UINT64_C(218344400552191) /* of "zzzzzzzz" */

/* Between the two bounds; 0 for what is no id of a token. */
uint64_t jp_token_number(const char *id);

/* The id whose number it is. JP_ERR_NOT_FOUND: no id has it. */
enum jp_err jp_token_number_id(uint64_t number, char id[JP_TOKEN_ID_LEN + 1]);

/*
 * Reads what names a token: its id, or its number in decimal digits, without
 * leading zeros. Eight digits are an id: every number has ten or more.
 * JP_ERR_NOT_FOUND for everything else.
 */
enum jp_err jp_token_named(const char *text, char id[JP_TOKEN_ID_LEN + 1]);

#endif
