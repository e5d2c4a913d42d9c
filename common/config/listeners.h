/*
 * [listener NAME] sections as wholes: what the keys of one leave open, and what
 * does not fit together in one or in several.
 */
#ifndef JP_LISTENERS_H
#define JP_LISTENERS_H

#include "common/config/settings.h"

/* 1 to 32 letters, digits, ".", "_" and "-". */
bool jp_listener_name_valid(const char *name);

/*
 * The listener of that name, as if nothing was given; a new one, if it is not
 * built in. NULL: there is no room.
 */
struct jp_listener *
jp_listener_start(struct jp_httpd_settings *httpd, const char *name);

/* Whether it needs no `listen`: its socket is in run_dir. */
bool jp_listener_built_in(const struct jp_listener *listener);

/* Sets the headers that were not given, of those that the listener reads. */
void jp_listener_fill(struct jp_listener *listener);

/* Why `key`, which was given, does not fit to the others; NULL: it does. */
const char *
jp_listener_misfit(const struct jp_listener *listener, const char *key);

/*
 * Why the address of the i-th listener is taken: by one before it, or by patd.
 * Its owner, for people; NULL: it is free.
 */
const char *jp_listener_taken(const struct jp_settings *settings, size_t i);

#endif
