/*
 * Asks patd about the tokens of a file (common to tests/bench/fill.c: "USER
 * TEXT" lines), one after the other over one connection, and says how long the
 * answers took. Every answer must be yes.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/client.h"

enum {
	TOKENS_MAX = 10000,
	CONNECT_MS = 5000,
	ANSWER_MS = 10000,
};

struct question {
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;
};

struct work {
	int fd;
	size_t tokens;
	uint64_t count;
	int64_t *times; /* in ns, of each answer */
	struct question questions[TOKENS_MAX];
};

static bool
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "ask: %s: %s\n", what, why);
	return false;
}

static bool
add_question(struct work *work, const char *user, const char *token)
{
	struct question *question = &work->questions[work->tokens++];
	struct jp_request request = { .front = JP_FRONT_PAM };
	enum jp_err err =
	    jp_field_set(request.user, sizeof(request.user), user);

	(void)jp_field_set(request.service, sizeof(request.service), "jira");
	(void)jp_field_set(request.rhost, sizeof(request.rhost), "192.0.2.1");
	if (err == JP_ERR_OK)
		err = jp_secret_set(&request.token, token, strlen(token));
	if (err == JP_ERR_OK)
		err = jp_request_encode(
		    &request, question->bytes, &question->len);
	jp_secret_clear(&request.token);
	return err == JP_ERR_OK || fail("a token", jp_err_text(err));
}

static bool
read_tokens(struct work *work, const char *path, size_t max)
{
	FILE *file = fopen(path, "r");
	char user[JP_USER_MAX + 1], token[JP_SECRET_MAX + 1];
	bool good = file != NULL || fail(path, strerror(errno));

	while (good && work->tokens < max &&
	       fscanf(file, "%255s %511s", user, token) == 2)
		good = add_question(work, user, token);
	if (file != NULL)
		(void)fclose(file);
	return good && (work->tokens > 0 || fail(path, "no tokens"));
}

static bool
ask(struct work *work, const struct question *question, int64_t *ns)
{
	uint8_t bytes[JP_REPLY_SIZE];
	struct jp_reply reply;
	int64_t begin = jp_now_ns();
	ssize_t got;

	if (send(work->fd, question->bytes, question->len, MSG_NOSIGNAL) < 0)
		return fail("send", strerror(errno));
	if (jp_wait_fd(work->fd, POLLIN, jp_now_ms() + ANSWER_MS) != JP_ERR_OK)
		return fail("answer", "none came");
	got = recv(work->fd, bytes, sizeof(bytes), 0);
	*ns = jp_now_ns() - begin;
	if (got < 0)
		return fail("answer", strerror(errno));
	if (jp_reply_decode(&reply, bytes, (size_t)got) != JP_ERR_OK ||
	    reply.verdict != JP_ACCEPT)
		return fail("answer", "it is not yes");
	return true;
}

static int
compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static double
cpu_seconds(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static bool
run(struct work *work)
{
	int64_t begin = jp_now_ns(), all;

	for (uint64_t i = 0; i < work->count; i++)
		if (!ask(work, &work->questions[i % work->tokens],
		        &work->times[i]))
			return false;
	all = jp_now_ns() - begin;
	qsort(work->times, work->count, sizeof(work->times[0]), compare);
	(void)printf("{\"count\": %" PRIu64 ", \"seconds\": %.6f, "
	             "\"p50_us\": %.2f, \"p99_us\": %.2f, \"cpu\": %.6f}\n",
	    work->count, (double)all / 1e9,
	    (double)work->times[work->count / 2] / 1e3,
	    (double)work->times[work->count * 99 / 100] / 1e3, cpu_seconds());
	return true;
}

int
main(int argc, char **argv)
{
	struct work *work = calloc(1, sizeof(*work));
	size_t max = 0;
	bool good;

	if (argc == 5) {
		max = strtoull(argv[3], NULL, 10);
		work->count = strtoull(argv[4], NULL, 10);
	}
	if (work == NULL || max == 0 || max > TOKENS_MAX || work->count == 0) {
		(void)fputs(
		    "usage: ask SOCKET FILE TOKENS QUESTIONS\n", stderr);
		return 2;
	}
	work->times = calloc(work->count, sizeof(work->times[0]));
	good = work->times != NULL && read_tokens(work, argv[2], max) &&
	       (jp_client_connect(argv[1], jp_now_ms() + CONNECT_MS,
	            &work->fd) == JP_ERR_OK ||
	           fail(argv[1], "nobody answers")) &&
	       run(work);
	free(work->times);
	free(work);
	return good ? 0 : 3;
}
