#include "tests/unit/settings_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char settings_path[] = "/tmp/jp-settings-XXXXXX";

int
settings_make_file(void **unused)
{
	int fd = mkstemp(settings_path);

	(void)unused;
	return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

int
settings_remove_file(void **unused)
{
	(void)unused;
	return unlink(settings_path);
}

void
write_bytes(const char *bytes, size_t len)
{
	FILE *file = fopen(settings_path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

enum jp_err
load(const char *text, struct jp_settings *settings, struct jp_why *why)
{
	write_bytes(text, strlen(text));
	why->text[0] = '\0';
	return jp_settings_load(settings_path, settings, why);
}

void
load_good(const char *text, struct jp_settings *settings)
{
	struct jp_why why;

	if (load(text, settings, &why) != JP_ERR_OK)
		fail_msg("refused: %s", why.text);
}

void
assert_refused(const char *text, int line, const char *words)
{
	struct jp_settings settings;
	struct jp_why why;
	char place[64];

	if (load(text, &settings, &why) != JP_ERR_CONFIG)
		fail_msg("accepted: %s", text);
	(void)snprintf(place, sizeof(place), "%s:%d: ", settings_path, line);
	if (strncmp(why.text, place, strlen(place)) != 0 ||
	    strstr(why.text, words) == NULL)
		fail_msg("%s: no \"%s\" and \"%s\"", why.text, place, words);
}
