/*
 * HTTP requests to the loopback, each thread over one connection that is kept.
 *
 *     web PORT PATH THREADS WARM COUNT
 *
 * Standard input: the value of Authorization, or `none`, and an empty line; see
 * turn.h. Accepted is 200, denied is 401.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/bench/turn.h"

enum {
	HEAD_MAX = 8192,
	ANSWER_SECONDS = 60,
	STATUS_AT = 9, /* behind "HTTP/1.1 " */
};

static in_port_t port;
static char *request;
static size_t request_len;

/* A thread's connection. */
struct connection {
	int fd; /* -1: none */
	char bytes[HEAD_MAX + 1];
	size_t len;
};

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
	struct connection *connection = state;

	if (connection == NULL)
		return;
	hang_up(connection);
	free(connection);
}

static bool
connected(struct connection *connection)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = port };
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int yes = 1;

	if (connection->fd >= 0)
		return true;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return false;
	(void)setsockopt(
	    connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(
	    connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(connection->fd, (struct sockaddr *)&addr, sizeof(addr)) ==
	    0)
		return true;
	hang_up(connection);
	return false;
}

/* Reads more; `len` counts from where the answer begins. */
static bool
more(struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->bytes + connection->len,
	    HEAD_MAX - connection->len, 0);

	if (got <= 0)
		return false;
	connection->len += (size_t)got;
	connection->bytes[connection->len] = '\0';
	return true;
}

/* Reads one answer, body included. Returns its status, 0 if there is none. */
static int
read_answer(struct connection *connection)
{
	const char *end;
	const char *field;
	size_t size;

	connection->len = 0;
	do {
		if (!more(connection))
			return 0;
		end = strstr(connection->bytes, "\r\n\r\n");
	} while (end == NULL);
	field = strcasestr(connection->bytes, "\r\nContent-Length: ");
	if (field == NULL || field > end)
		return 0;
	size = (size_t)(end + 4 - connection->bytes) +
	       (size_t)strtoul(field + 18, NULL, 10);
	while (connection->len < size)
		if (!more(connection))
			return 0;
	return atoi(connection->bytes + STATUS_AT);
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
	return status == 401 ? TURN_DENIED : TURN_FAILED;
}

static bool
make_request(const char *path)
{
	char *value = turn_line();
	int len = -1;

	free(turn_line());
	if (value != NULL && strcmp(value, "none") == 0)
		len = asprintf(&request,
		    "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	else if (value != NULL)
		len = asprintf(&request,
		    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		    "Authorization: %s\r\n\r\n",
		    path, value);
	free(value);
	if (len < 0)
		return false;
	request_len = (size_t)len;
	return true;
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
	int status;

	if (argc != 6) {
		(void)fprintf(
		    stderr, "Usage: web PORT PATH THREADS WARM COUNT\n");
		return 2;
	}
	port = htons((in_port_t)turn_number(argv[1], UINT16_MAX));
	turn.threads = (int)turn_number(argv[3], TURN_THREADS);
	turn.warm = turn_number(argv[4], INT32_MAX);
	turn.count = turn_number(argv[5], INT32_MAX);
	if (!make_request(argv[2]))
		return 2;
	status = turn_run(&turn);
	free(request);
	return status;
}
