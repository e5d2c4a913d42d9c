#include "tools/cli/secret_input.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* For the handler alone: a terminal must not stay without echo. */
static struct termios terminal;

static void
restore_and_leave(int number)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	_exit(128 + number);
}

static bool
echo_off(const char *prompt)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct termios silent;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal) != 0)
		return false;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], restore_and_leave);
	silent = terminal;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
		return false;
	(void)fputs(prompt, stderr);
	return true;
}

static void
echo_on(bool silent)
{
	if (!silent)
		return;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
	(void)fputc('\n', stderr);
}

/* Byte by byte: what is behind the line stays unread. */
static enum jp_err
read_line(
    const char *what, struct jp_secret *secret, bool *ended, struct jp_why *why)
{
	ssize_t got;
	char c = '\n';

	secret->len = 0;
	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (c == '\0')
			return jp_why(why, JP_ERR_INVALID,
			    "standard input: a NUL byte is in the %s", what);
		if (secret->len == JP_SECRET_MAX)
			return jp_why(why, JP_ERR_TOO_LONG,
			    "standard input: no %s is that long", what);
		secret->text[secret->len++] = c;
	}
	if (got < 0)
		return jp_why(
		    why, JP_ERR_IO, "standard input: %s", strerror(errno));
	if (c == '\n' && secret->len > 0 &&
	    secret->text[secret->len - 1] == '\r')
		secret->len--;
	secret->text[secret->len] = '\0';
	*ended = got == 1 && !isatty(STDIN_FILENO);
	if (secret->len == 0)
		return jp_why(why, JP_ERR_INVALID,
		    "standard input: expected a %s on one line", what);
	return JP_ERR_OK;
}

enum jp_err
secret_read_line(const struct secret_input *input, struct jp_secret *secret,
    bool *ended, struct jp_why *why)
{
	bool silent = echo_off(input->prompt);
	enum jp_err err = read_line(input->what, secret, ended, why);

	echo_on(silent);
	return err;
}

enum jp_err
secret_read_exact(const struct secret_input *input, struct jp_secret *secret,
    struct jp_why *why)
{
	char bytes[JP_SECRET_MAX + 1];
	bool silent = echo_off(input->prompt);
	size_t len = 0;
	ssize_t got = 0;
	enum jp_err err;

	while (len < sizeof(bytes) &&
	       (got = read(STDIN_FILENO, bytes + len, sizeof(bytes) - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		err = jp_why(
		    why, JP_ERR_IO, "standard input: %s", strerror(errno));
	else if (len == 0 || jp_secret_set(secret, bytes, len) != JP_ERR_OK)
		err = JP_ERR_TOO_LONG;
	else
		err = JP_ERR_OK;
	sodium_memzero(bytes, sizeof(bytes));
	echo_on(silent);
	return err;
}

bool
secret_input_at_end(void)
{
	char c;

	return isatty(STDIN_FILENO) || read(STDIN_FILENO, &c, 1) == 0;
}
