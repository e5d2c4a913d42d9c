/*
 * pat-admin test: the whole decision about one token, with its reason. The
 * token comes on standard input, where no other user can see it.
 */
#include "tools/commands.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/verdict.h"
#include "tools/output.h"
#include "tools/session.h"

static struct jp_admin_request request;

static enum jp_err
take_user(void *arg, char *value, struct jp_why *why)
{
	struct jp_request *question =
	    &((struct jp_admin_request *)arg)->question;
	enum jp_err err = jp_user_check(value, why);

	return err != JP_ERR_OK ? err
	                        : jp_field_set(question->user,
	                              sizeof(question->user), value);
}

static enum jp_err
take_service(void *arg, char *value, struct jp_why *why)
{
	struct jp_request *question =
	    &((struct jp_admin_request *)arg)->question;
	enum jp_err err =
	    jp_text_check("--service", value, JP_SERVICE_MAX, why);

	return err != JP_ERR_OK ? err
	                        : jp_field_set(question->service,
	                              sizeof(question->service), value);
}

static enum jp_err
take_from(void *arg, char *value, struct jp_why *why)
{
	struct jp_request *question =
	    &((struct jp_admin_request *)arg)->question;

	if (!jp_address_valid(value))
		return jp_why(why, JP_ERR_INVALID,
		    "--from: expected an IPv4 or IPv6 address");
	return jp_field_set(question->rhost, sizeof(question->rhost), value);
}

static const struct cmd_option options[] = {
	{ "--service", "SERVICE", "as if this PAM or SASL service asked",
	    take_service },
	{ "--from", "IP", "as if the request came from there", take_from },
};

/* For the handler alone: a terminal must not stay without echo. */
static struct termios terminal;

static void
restore_and_leave(int number)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	_exit(128 + number);
}

static bool
echo_off(void)
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
	(void)fputs("Token: ", stderr);
	return true;
}

/* One line, byte by byte: what is behind it stays unread. */
static enum jp_err
read_line(struct jp_secret *secret, struct jp_why *why)
{
	ssize_t got;
	char c = '\n';

	secret->len = 0;
	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (c == '\0')
			return jp_why(why, JP_ERR_INVALID,
			    "standard input: a NUL byte is in the token");
		if (secret->len == JP_SECRET_MAX)
			return jp_why(why, JP_ERR_TOO_LONG,
			    "standard input: no token is that long");
		secret->text[secret->len++] = c;
	}
	if (got < 0)
		return jp_why(
		    why, JP_ERR_IO, "standard input: %s", strerror(errno));
	if (secret->len > 0 && secret->text[secret->len - 1] == '\r')
		secret->len--;
	secret->text[secret->len] = '\0';
	if (secret->len == 0)
		return jp_why(why, JP_ERR_INVALID,
		    "standard input: expected a token on one line");
	return JP_ERR_OK;
}

static enum jp_err
read_token(struct jp_secret *secret, struct jp_why *why)
{
	bool silent = echo_off();
	enum jp_err err = read_line(secret, why);

	if (silent) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal);
		(void)fputc('\n', stderr);
	}
	return err;
}

static enum jp_err
keep(void *arg, const struct jp_admin_item *item)
{
	struct jp_admin_item *kept = arg;

	if (item->kind != JP_ITEM_DECISION)
		return JP_ERR_PROTOCOL;
	kept->kind = item->kind;
	kept->reason = item->reason;
	memcpy(kept->record.id, item->record.id, sizeof(kept->record.id));
	return JP_ERR_OK;
}

static enum status
verdict_status(enum jp_verdict verdict)
{
	switch (verdict) {
	case JP_DENY:
		return STATUS_NO;
	case JP_UNAVAILABLE:
		return STATUS_UNAVAILABLE;
	case JP_ACCEPT:
		return STATUS_DONE;
	}
	return STATUS_UNAVAILABLE;
}

static enum status
print_decision(struct context *context, const struct jp_admin_item *item)
{
	struct jp_why why = { .text = "" };
	enum jp_verdict verdict = jp_reason_verdict(item->reason);
	const char *name = jp_verdict_name(verdict);
	enum jp_err err = JP_ERR_OK;

	if (context->json)
		err = json_print(json_pack("{s:s,s:s,s:s,s:s}", "verdict", name,
		    "reason", jp_reason_name(item->reason), "text",
		    jp_reason_text(item->reason), "id", item->record.id));
	else if (verdict == JP_ACCEPT)
		(void)printf("%s\n", name);
	else
		(void)printf("%s: %s\n", name, jp_reason_name(item->reason));
	return err == JP_ERR_OK ? verdict_status(verdict)
	                        : fail(context, err, &why);
}

static enum status
run(struct context *context)
{
	static struct jp_admin_item item = { .kind = JP_ITEM_COUNT };
	struct jp_why why = { .text = "" };
	enum jp_err err = read_token(&request.question.token, &why);
	enum status status;

	request.op = JP_ADMIN_TEST;
	request.question.front = JP_FRONT_ADMIN;
	if (err == JP_ERR_OK)
		status = session_once(context, &request, keep, &item);
	else
		status = fail(context, err, &why);
	jp_secret_clear(&request.question.token);
	if (status != STATUS_DONE)
		return status;
	if (item.kind == JP_ITEM_DECISION)
		return print_decision(context, &item);
	(void)jp_why(&why, JP_ERR_PROTOCOL, "patd sent no decision");
	return fail(context, JP_ERR_PROTOCOL, &why);
}

const struct command cmd_test = {
	.name = "test",
	.synopsis = "USER [OPTION]...",
	.help = "say whether the token on standard input is accepted",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.take_word = take_user,
	.args = &request,
	.prints = true,
	.run = run,
};
