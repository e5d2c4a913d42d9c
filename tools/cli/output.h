/*
 * Standard output and standard error. No write error is lost: output_end()
 * returns it.
 */
#ifndef PAT_ADMIN_OUTPUT_H
#define PAT_ADMIN_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/err.h"

/*
 * Before anything else: own buffer, memory of JSON wiped when freed, standard
 * error without tokens.
 */
void output_start(void);

/* Whether standard output is a pipe that nobody reads any more. */
bool output_reader_left(void);

/* Prints [], if no JSON was printed yet. */
void output_json_empty(void);

/* For JSON that is not printed by output_json(). */
void output_json_printed(void);

/* Prints `value` as one line and frees it: NULL means out of memory. */
enum jp_err output_json(json_t *value);

/*
 * Sends everything; wipes the buffer, which may hold a token. An error of any
 * write since the start is this one's.
 */
enum jp_err output_end(struct jp_why *why);

/*
 * Wipes what functions that are done have left on the stack. The dynamic linker
 * saves all registers there, whatever is in them, when it binds a function at
 * its first call.
 */
void output_forget(void);

#endif
