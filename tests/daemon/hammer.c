/*
 * A client of verify.sock that asks without a pause. Standard input names what
 * it asks about, one "USER TAB TEXT" a line, taken in turn.
 *
 *     hammer SOCKET count COUNT CONNS PER_CONN
 *         COUNT questions over CONNS connections at a time, a new connection
 *         after PER_CONN questions, the last of which says so; then one line
 *         with the answers:
 *         "accepted N denied N unavailable N".
 *     hammer SOCKET forge COUNT CONNS PER_CONN
 *         The same, with another secret for each question.
 *     hammer SOCKET times COUNT
 *         COUNT questions, one after another: "accepted N p50 NS p99 NS".
 *     hammer SOCKET until-denied
 *         Says "running" when it has been accepted for a while, and goes on
 *         until nothing is accepted any more; then one line: "accepted N last
 *         NS", when the last question that was accepted was begun, in
 *         nanoseconds of CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/wire/client.h"
#include "common/wire/token.h"

enum {
	BASE = 62,
	PAIRS_MAX = 4096,
	CONNS_MAX = 1024,
	ANSWER_MS = 20000,
	RUNNING = 50, /* accepted in a row: it runs */
	ENOUGH = 50,  /* not accepted in a row: it is over */
	RUN_MS = 60000,
};

static struct jp_request pairs[PAIRS_MAX];
static size_t pair_len;

static struct conn {
	int fd; /* -1: closed */
	unsigned long asked;
} conns[CONNS_MAX];

static void
die(const char *what, enum jp_err err)
{
	(void)fprintf(stderr, "hammer: %s: %s\n", what, jp_err_text(err));
	exit(1);
}

static void
read_pairs(void)
{
	char line[1024], *tab;

	while (
	    pair_len < PAIRS_MAX && fgets(line, sizeof(line), stdin) != NULL) {
		struct jp_request *request = &pairs[pair_len++];

		line[strcspn(line, "\n")] = '\0';
		tab = strchr(line, '\t');
		if (tab == NULL)
			die("a line without tab", JP_ERR_INVALID);
		*tab++ = '\0';
		if (jp_field_set(request->user, sizeof(request->user), line) !=
		        JP_ERR_OK ||
		    jp_secret_set(&request->token, tab, strlen(tab)) !=
		        JP_ERR_OK)
			die("a line that is too long", JP_ERR_TOO_LONG);
		(void)strcpy(request->service, "jira");
		(void)strcpy(request->rhost, "10.0.0.1");
	}
	if (pair_len == 0)
		die("nothing to ask", JP_ERR_INVALID);
}

static void
open_conn(struct conn *conn, const char *path)
{
	enum jp_err err;

	if (conn->fd >= 0)
		(void)close(conn->fd);
	err = jp_client_connect(path, jp_now_ms() + ANSWER_MS, &conn->fd);
	if (err != JP_ERR_OK)
		die("connect", err);
	conn->asked = 0;
}

static void
ask(struct conn *conn, uint32_t number, bool last)
{
	struct jp_request *request = &pairs[number % pair_len];
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;

	request->seq = number;
	request->last = last;
	if (jp_request_encode(request, bytes, &len) != JP_ERR_OK ||
	    send(conn->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send", jp_err_from_errno(errno));
	conn->asked++;
}

static enum jp_verdict
answer(struct conn *conn, uint32_t number)
{
	uint8_t bytes[JP_REPLY_SIZE + 1];
	struct jp_reply reply;
	enum jp_err err = jp_wait_fd(conn->fd, POLLIN, jp_now_ms() + ANSWER_MS);
	ssize_t len;

	if (err != JP_ERR_OK)
		die("answer", err);
	len = recv(conn->fd, bytes, sizeof(bytes), 0);
	if (len <= 0)
		die("answer", JP_ERR_UNREACHABLE);
	err = jp_reply_decode(&reply, bytes, (size_t)len);
	if (err != JP_ERR_OK || reply.seq != number)
		die("answer", JP_ERR_PROTOCOL);
	if (reply.verdict == JP_ACCEPT &&
	    strcmp(reply.user, pairs[number % pair_len].user) != 0)
		die("another user than asked for", JP_ERR_PROTOCOL);
	return reply.verdict;
}

/* Of the same id, and well made, but nobody was ever given it. */
static void
forge(struct jp_secret *text)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	char prefix[JP_TOKEN_PREFIX_MAX + 1], id[JP_TOKEN_ID_LEN];
	char secret[JP_TOKEN_SECRET_LEN];
	struct jp_token token;

	if (jp_token_parse(text->text, text->len, &token) != JP_ERR_OK)
		die("no token to forge", JP_ERR_INVALID);
	memcpy(prefix, token.prefix, token.prefix_len);
	prefix[token.prefix_len] = '\0';
	memcpy(id, token.id, sizeof(id));
	for (size_t i = 0; i < sizeof(secret); i++) {
		state ^= state << 13; /* Marsaglia's xorshift */
		state ^= state >> 7;
		state ^= state << 17;
		secret[i] = JP_TOKEN_ALPHABET[state % BASE];
	}
	jp_token_format(text, prefix, id, secret);
}

static void
run_count(const char *path, unsigned long count, size_t conn_len,
    unsigned long per_conn, bool forges)
{
	unsigned long verdicts[JP_ACCEPT + 1] = { 0 };

	for (unsigned long at = 0; at < count; at += conn_len) {
		for (size_t i = 0; i < conn_len && at + i < count; i++) {
			if (conns[i].fd < 0 || conns[i].asked == per_conn)
				open_conn(&conns[i], path);
			if (forges)
				forge(&pairs[(uint32_t)(at + i) % pair_len]
				           .token);
			ask(&conns[i], (uint32_t)(at + i),
			    conns[i].asked + 1 == per_conn);
		}
		for (size_t i = 0; i < conn_len && at + i < count; i++)
			verdicts[answer(&conns[i], (uint32_t)(at + i))]++;
	}
	(void)printf("accepted %lu denied %lu unavailable %lu\n",
	    verdicts[JP_ACCEPT], verdicts[JP_DENY], verdicts[JP_UNAVAILABLE]);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void
run_times(const char *path, unsigned long count)
{
	int64_t *times = calloc(count, sizeof(*times));
	unsigned long accepted = 0;

	if (times == NULL)
		die("times", JP_ERR_NOMEM);
	open_conn(&conns[0], path);
	for (uint32_t number = 0; number < count; number++) {
		int64_t begin_ns = jp_now_ns();

		ask(&conns[0], number, false);
		accepted += answer(&conns[0], number) == JP_ACCEPT;
		times[number] = jp_now_ns() - begin_ns;
	}
	qsort(times, count, sizeof(*times), compare);
	(void)printf("accepted %lu p50 %" PRId64 " p99 %" PRId64 "\n", accepted,
	    times[count / 2], times[count - 1 - count / 100]);
	free(times);
}

static void
run_until_denied(const char *path)
{
	const int64_t end_ms = jp_now_ms() + RUN_MS;
	unsigned long accepted = 0, refused = 0;
	int64_t last_ns = 0;

	open_conn(&conns[0], path);
	for (uint32_t number = 0; refused < ENOUGH; number++) {
		int64_t begin_ns = jp_now_ns();

		ask(&conns[0], number, false);
		if (answer(&conns[0], number) != JP_ACCEPT) {
			refused++;
			continue;
		}
		refused = 0;
		last_ns = begin_ns;
		if (++accepted == RUNNING) {
			(void)printf("running\n");
			(void)fflush(stdout);
		}
		if (begin_ns / 1000000 > end_ms)
			die("it is still accepted", JP_ERR_TIMEOUT);
	}
	(void)printf("accepted %lu last %" PRId64 "\n", accepted, last_ns);
}

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: hammer SOCKET count|forge COUNT CONNS PER_CONN | times "
	    "COUNT | until-denied\n");
	return 2;
}

int
main(int argc, char **argv)
{
	size_t conn_len = argc == 6 ? strtoul(argv[4], NULL, 10) : 0;
	unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	bool forges = argc > 2 && strcmp(argv[2], "forge") == 0;

	for (size_t i = 0; i < CONNS_MAX; i++)
		conns[i].fd = -1;
	read_pairs();
	if (argc == 3 && strcmp(argv[2], "until-denied") == 0) {
		run_until_denied(argv[1]);
		return 0;
	}
	if (argc == 4 && count > 0 && strcmp(argv[2], "times") == 0) {
		run_times(argv[1], count);
		return 0;
	}
	if (conn_len == 0 || conn_len > CONNS_MAX ||
	    (!forges && strcmp(argv[2], "count") != 0))
		return usage();
	run_count(argv[1], count, conn_len, strtoul(argv[5], NULL, 10), forges);
	return 0;
}
