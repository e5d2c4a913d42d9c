/*
 * JSON as text, whole or not at all. jansson's setters leave out what they got
 * no memory for: who forgets one of their results writes a token without the
 * time at which it was revoked. Here the memory is watched instead, once for
 * all: of every value that a thread makes.
 */
#ifndef JP_JSON_TEXT_H
#define JP_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* For a program's start, before there is JSON or a thread. What jansson frees
 * is overwritten from then on: it may be the text of a token. */
void jp_json_watch(void);

/* Frees a text of jansson's in that way; NULL is fine. */
void jp_json_free(void *text);

/* Whether memory ran out for JSON in this thread since it was last asked. */
bool jp_json_lost(void);

/*
 * `json` in its compact form, for jp_json_free(); NULL if it is NULL, or memory
 * has run out for it, or for anything else since jp_json_lost().
 */
char *jp_json_text(json_t *json);

#endif
