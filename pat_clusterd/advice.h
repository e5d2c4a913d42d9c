/*
 * What to do about what the database refuses: its words say what is wrong, and
 * not with which knob of jira-pat that is mended.
 */
#ifndef ADVICE_H
#define ADVICE_H

/* Of a SQLSTATE; "": nothing beyond what it says itself. */
const char *advice_of(const char *sqlstate);

/* Likewise, of what libpq says, which has no SQLSTATE. */
const char *advice_on(const char *text);

#endif
