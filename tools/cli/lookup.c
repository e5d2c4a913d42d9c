#include "tools/cli/lookup.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What crosses the socket: both ends are this very program. */
struct question {
	char id[JP_TOKEN_ID_LEN + 1]; /* "": let the store go */
	struct jp_secret token;
};

/* ---- The process that answers ---- */

struct clerk {
	int fd;
	struct context *context;
	struct session session;
	bool open; /* the session */
	struct jp_admin_request request;
	struct lookup_answer answer;
};

static enum jp_err
keep(void *arg, const struct jp_admin_item *item)
{
	struct lookup_answer *answer = arg;

	if (item->kind == JP_ITEM_RECORD) {
		answer->record = item->record;
		answer->state = item->state;
	} else if (item->kind == JP_ITEM_DECISION)
		answer->reason = item->reason;
	else
		return JP_ERR_PROTOCOL;
	return JP_ERR_OK;
}

static enum jp_err
run(struct clerk *clerk, enum jp_admin_op op)
{
	clerk->request.op = op;
	return session_run(&clerk->session, &clerk->request, keep,
	    &clerk->answer, &clerk->answer.why);
}

static enum jp_err
open_session(struct clerk *clerk)
{
	enum jp_err err = JP_ERR_OK;

	if (!clerk->open)
		err = session_open(
		    &clerk->session, clerk->context, &clerk->answer.why);
	clerk->open = err == JP_ERR_OK;
	return err;
}

/* The record behind the id, then the decision for its own user. */
static enum jp_err
find(struct clerk *clerk, const struct question *question)
{
	struct jp_admin_request *request = &clerk->request;
	enum jp_err err = open_session(clerk);

	memcpy(request->record.id, question->id, sizeof(question->id));
	if (err == JP_ERR_OK)
		err = run(clerk, JP_ADMIN_SHOW);
	memset(request->record.id, 0, sizeof(request->record.id));
	if (err != JP_ERR_OK)
		return err;
	memcpy(request->question.user, clerk->answer.record.user,
	    sizeof(request->question.user));
	request->question.token = question->token;
	err = run(clerk, JP_ADMIN_TEST);
	jp_secret_clear(&request->question.token);
	return err;
}

static bool
answer(struct clerk *clerk, const struct question *question)
{
	struct lookup_answer *answer = &clerk->answer;

	memset(answer, 0, sizeof(*answer));
	answer->reason = JP_REASON_UNKNOWN_ID;
	answer->err = find(clerk, question);
	return send(clerk->fd, answer, sizeof(*answer), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(*answer);
}

static void
close_session(struct clerk *clerk)
{
	if (clerk->open)
		session_close(&clerk->session);
	clerk->open = false;
}

/* Until the other end is closed. */
static void
serve(struct clerk *clerk)
{
	struct question question;
	bool more = true;

	clerk->request.question.front = JP_FRONT_ADMIN;
	while (more && recv(clerk->fd, &question, sizeof(question), 0) ==
	                   (ssize_t)sizeof(question)) {
		if (question.id[0] != '\0')
			more = answer(clerk, &question);
		else
			close_session(clerk);
		sodium_memzero(&question, sizeof(question));
	}
	close_session(clerk);
}

/* ---- The process that asks ---- */

static void
become_clerk(struct context *context, const int pair[2])
{
	static struct clerk clerk;

	(void)close(pair[0]);
	clerk.fd = pair[1];
	clerk.context = context;
	serve(&clerk);
	_exit(0);
}

enum jp_err
lookup_start(struct lookup *lookup, struct context *context, struct jp_why *why)
{
	int pair[2];

	lookup->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot make a socket: %s", strerror(errno));
	lookup->pid = fork();
	if (lookup->pid == 0)
		become_clerk(context, pair);
	(void)close(pair[1]);
	if (lookup->pid > 0) {
		lookup->fd = pair[0];
		return JP_ERR_OK;
	}
	(void)close(pair[0]);
	return jp_why(why, jp_err_from_errno(errno),
	    "cannot start a process: %s", strerror(errno));
}

enum jp_err
lookup_ask(struct lookup *lookup, const struct jp_found *found,
    struct lookup_answer *answer)
{
	struct question question = { .id = "" };
	enum jp_err err =
	    jp_secret_set(&question.token, found->text, found->len);
	bool done;

	if (err != JP_ERR_OK)
		return err;
	memcpy(question.id, found->token.id, JP_TOKEN_ID_LEN);
	done = send(lookup->fd, &question, sizeof(question), MSG_NOSIGNAL) ==
	           (ssize_t)sizeof(question) &&
	       recv(lookup->fd, answer, sizeof(*answer), 0) ==
	           (ssize_t)sizeof(*answer);
	sodium_memzero(&question, sizeof(question));
	if (!done)
		return jp_why(&answer->why, JP_ERR_UNREACHABLE,
		    "the process that opens the store has ended");
	return answer->err == JP_ERR_NOT_FOUND ? JP_ERR_OK : answer->err;
}

void
lookup_rest(const struct lookup *lookup)
{
	static const struct question rest = { .id = "" };

	(void)send(lookup->fd, &rest, sizeof(rest), MSG_NOSIGNAL);
}

void
lookup_end(struct lookup *lookup)
{
	if (lookup->fd < 0)
		return;
	(void)close(lookup->fd);
	lookup->fd = -1;
	while (waitpid(lookup->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
