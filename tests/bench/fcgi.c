/*
 * FastCGI requests to a Unix socket, as nginx asks an authorizer, each thread
 * over one connection that is kept.
 *
 *     fcgi SOCKET SCRIPT THREADS WARM COUNT
 *
 * Standard input: the value of Authorization and an empty line; see turn.h.
 * Accepted is 200, denied is 401 or 403.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/turn.h"

enum {
	HEAD = 8, /* bytes of a record's head */
	BEGIN_REQUEST = 1,
	END_REQUEST = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	RESPONDER = 1,
	KEEP_CONN = 1,
	ROOM = 4096,
	SHORT_MAX = 127, /* bytes of a name or value with a short length */
	ANSWER_SECONDS = 60,
};

static const char *socket_path;
static uint8_t request[ROOM];
static size_t request_len;

struct connection {
	int fd; /* -1: none */
	size_t len;
	uint8_t bytes[ROOM];
};

/* ---- the request ---- */

static void
put(const void *bytes, size_t len)
{
	if (len > sizeof(request) - request_len) {
		(void)fprintf(stderr, "fcgi: the request is too long\n");
		exit(2);
	}
	memcpy(request + request_len, bytes, len);
	request_len += len;
}

static void
put_head(uint8_t type, size_t len)
{
	const uint8_t head[HEAD] = { 1, type, 0, 1, (uint8_t)(len >> 8),
		(uint8_t)len, 0, 0 };

	put(head, HEAD);
}

static void
put_pair(const char *name, const char *value)
{
	const uint8_t lengths[2] = { (uint8_t)strlen(name),
		(uint8_t)strlen(value) };

	if (strlen(name) > SHORT_MAX || strlen(value) > SHORT_MAX) {
		(void)fprintf(stderr, "fcgi: a value is too long\n");
		exit(2);
	}
	put(lengths, sizeof(lengths));
	put(name, lengths[0]);
	put(value, lengths[1]);
}

static void
make_request(const char *script, const char *authorization)
{
	static const uint8_t body[HEAD] = { 0, RESPONDER, KEEP_CONN };
	size_t params;

	put_head(BEGIN_REQUEST, sizeof(body));
	put(body, sizeof(body));
	params = request_len;
	put_head(PARAMS, 0);
	put_pair("SCRIPT_NAME", script);
	put_pair("REQUEST_METHOD", "GET");
	put_pair("REQUEST_URI", "/rest/api/2/myself");
	put_pair("REMOTE_ADDR", "127.0.0.1");
	put_pair("HTTP_AUTHORIZATION", authorization);
	request[params + 4] = (uint8_t)((request_len - params - HEAD) >> 8);
	request[params + 5] = (uint8_t)(request_len - params - HEAD);
	put_head(PARAMS, 0);
	put_head(STDIN, 0);
}

/* ---- a connection ---- */

static void *
open_connection(void)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection != NULL)
		connection->fd = -1;
	return connection;
}

static void
hang_up(struct connection *connection)
{
	if (connection->fd >= 0)
		(void)close(connection->fd);
	connection->fd = -1;
}

static void
close_connection(void *state)
{
	if (state != NULL)
		hang_up(state);
	free(state);
}

static bool
connected(struct connection *connection)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };

	if (connection->fd >= 0)
		return true;
	(void)stpcpy(addr.sun_path, socket_path);
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return false;
	(void)setsockopt(
	    connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(connection->fd, (struct sockaddr *)&addr, sizeof(addr)) ==
	    0)
		return true;
	hang_up(connection);
	return false;
}

/* Whether the end of the answer is there; `status` is that of its text. */
static bool
is_whole(const struct connection *connection, int *status)
{
	static const char name[] = "Status: ";
	size_t at = 0;

	while (connection->len - at >= HEAD) {
		const uint8_t *head = connection->bytes + at;
		size_t content = head[4] * 256U + head[5];

		if (connection->len - at < HEAD + content + head[6])
			return false;
		if (head[1] == END_REQUEST)
			return true;
		if (head[1] == STDOUT && content > sizeof(name) &&
		    memcmp(head + HEAD, name, sizeof(name) - 1) == 0)
			*status =
			    atoi((const char *)head + HEAD + sizeof(name) - 1);
		at += HEAD + content + head[6];
	}
	return false;
}

/* The status of one answer, 0 if there is none. */
static int
read_answer(struct connection *connection)
{
	int status = 0;

	connection->len = 0;
	while (!is_whole(connection, &status)) {
		ssize_t got =
		    recv(connection->fd, connection->bytes + connection->len,
		        ROOM - connection->len, 0);

		if (got <= 0)
			return 0;
		connection->len += (size_t)got;
	}
	return status;
}

static enum turn_result
operate(void *state, int64_t number, int kind)
{
	struct connection *connection = state;
	int status = 0;

	(void)number;
	(void)kind;
	if (connection == NULL || !connected(connection))
		return TURN_FAILED;
	if (send(connection->fd, request, request_len, MSG_NOSIGNAL) ==
	    (ssize_t)request_len)
		status = read_answer(connection);
	if (status == 0)
		hang_up(connection);
	if (status == 200)
		return TURN_ACCEPTED;
	return status == 401 || status == 403 ? TURN_DENIED : TURN_FAILED;
}

int
main(int argc, char **argv)
{
	struct turn turn = {
		.kinds = { "requests" },
		.open = open_connection,
		.close = close_connection,
		.operate = operate,
	};
	char *authorization;

	if (argc != 6 ||
	    strlen(argv[1]) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		(void)fprintf(
		    stderr, "Usage: fcgi SOCKET SCRIPT THREADS WARM COUNT\n");
		return 2;
	}
	socket_path = argv[1];
	turn.threads = (int)turn_number(argv[3], TURN_THREADS);
	turn.warm = turn_number(argv[4], INT32_MAX);
	turn.count = turn_number(argv[5], INT32_MAX);
	authorization = turn_line();
	free(turn_line());
	if (authorization == NULL)
		return 2;
	make_request(argv[2], authorization);
	free(authorization);
	return turn_run(&turn);
}
