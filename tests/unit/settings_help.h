/*
 * A configuration file for tests, written anew for each text. All that may fail
 * here ends the test.
 */
#ifndef TESTS_UNIT_SETTINGS_HELP_H
#define TESTS_UNIT_SETTINGS_HELP_H

#include "common/config/settings.h"

extern char settings_path[sizeof("/tmp/jp-settings-XXXXXX")];

/* The fixture of a group of tests: makes the file, and removes it. */
int settings_make_file(void **unused);
int settings_remove_file(void **unused);

/* What the file holds from now on. */
void write_bytes(const char *bytes, size_t len);

enum jp_err
load(const char *text, struct jp_settings *settings, struct jp_why *why);

void load_good(const char *text, struct jp_settings *settings);

/* `text` is refused with `line` of the file and `words` in why.text. */
void assert_refused(const char *text, int line, const char *words);

#endif
