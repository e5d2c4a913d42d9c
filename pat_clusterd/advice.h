/*
 * What to do about what the database refuses: its words say what is wrong, and
 * not with which knob of jira-pat that is mended.
 */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdbool.h>

#include "common/base/err.h"

/* Of a SQLSTATE; "": nothing beyond what it says itself. */
const char *advice_of(const char *sqlstate);

/* Likewise, of what libpq says, which has no SQLSTATE. */
const char *advice_on(const char *text);

/* What it means to a host; JP_ERR_IO: only its words say that. */
enum jp_err advice_err(const char *sqlstate);

/*
 * Whether that may be over without anybody who mends it: not so a wrong
 * password, or a certificate. `text` is libpq's, where there is no SQLSTATE:
 * "".
 */
bool advice_heals(const char *sqlstate, const char *text);

#endif
