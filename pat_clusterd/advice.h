/*
 * What to do about what the database refuses: its words say what is wrong, and
 * not with which knob of jira-pat that is mended.
 */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdbool.h>

/* Of a SQLSTATE; "": nothing beyond what it says itself. */
const char *advice_of(const char *sqlstate);

/* Likewise, of what libpq says, which has no SQLSTATE. */
const char *advice_on(const char *text);

/*
 * Whether that may be over without anybody who mends it: not so a wrong
 * password, or a certificate. Of what has no SQLSTATE: "".
 */
bool advice_heals(const char *sqlstate, const char *text);

#endif
