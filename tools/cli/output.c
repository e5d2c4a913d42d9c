#include "tools/cli/output.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uniwidth.h>

#include "common/base/escape.h"
#include "common/sys/json_text.h"
#include "common/sys/time_text.h"

enum {
	STACK_WIPED = 512 << 10, /* bytes; no command goes as deep */
};

/* Ours, and not the C library's, so that it can be wiped. */
static char buffer[65536];

static void
write_all(const char *text)
{
	size_t left = strlen(text);
	ssize_t len;

	while (left > 0) {
		len = write(STDERR_FILENO, text, left);
		if (len < 0 && errno != EINTR)
			return;
		left -= len > 0 ? (size_t)len : 0;
		text += len > 0 ? len : 0;
	}
}

/* What goes to standard error: tokens that stood in the wrong place masked. */
static ssize_t
write_masked(void *cookie, const char *bytes, size_t len)
{
	char text[BUFSIZ + 1];

	(void)cookie;
	for (size_t at = 0, step; at < len; at += step) {
		step = len - at < BUFSIZ ? len - at : BUFSIZ;
		memcpy(text, bytes + at, step);
		text[step] = '\0';
		jp_mask(text);
		write_all(text);
	}
	return (ssize_t)len;
}

/* All of it goes through one place, so that no message can forget it. */
static void
mask_errors(void)
{
	FILE *masked = fopencookie(
	    NULL, "w", (cookie_io_functions_t){ .write = write_masked });

	if (masked == NULL)
		return;
	(void)setvbuf(masked, NULL, _IONBF, 0); /* one write for each call */
	stderr = masked;
}

void
output_start(void)
{
	mask_errors();
	jp_json_watch();
	(void)setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF,
	    sizeof(buffer));
}

enum jp_err
output_end(struct jp_why *why)
{
	int errnum;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout)) {
		sodium_memzero(buffer, sizeof(buffer));
		return JP_ERR_OK;
	}
	errnum = errno != 0 ? errno : EIO;
	sodium_memzero(buffer, sizeof(buffer));
	return jp_why(
	    why, JP_ERR_IO, "cannot write the answer: %s", strerror(errnum));
}

void
output_forget(void)
{
	sodium_stackzero(STACK_WIPED);
}

bool
output_reader_left(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return ferror(stdout) && poll(&out, 1, 0) == 1 &&
	       (out.revents & (POLLERR | POLLHUP)) != 0;
}

static bool printed;

void
output_json_printed(void)
{
	printed = true;
}

void
output_json_empty(void)
{
	if (!printed)
		(void)puts("[]");
	printed = true;
}

enum jp_err
output_json(json_t *value)
{
	char *text = jp_json_text(value);

	json_decref(value);
	if (text == NULL)
		return JP_ERR_NOMEM;
	(void)fprintf(stdout, "%s\n", text);
	printed = true;
	jp_json_free(text);
	return ferror(stdout) ? JP_ERR_IO : JP_ERR_OK;
}
