/*
 * HTTP requests to a port of the loopback or to a Unix socket, each thread over
 * one connection that is kept.
 *
 *     web PORT|SOCKET PATH THREADS WARM COUNT
 *
 * Standard input: lines, and an empty one; see turn.h. Each is a request, which
 * take turns: `none`, the value of Authorization, or a whole field such as
 * "X-Remote-User: jane". Accepted is 200, denied is 401.
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
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/turn.h"

enum {
	ANSWER_MAX = 1 << 18, /* bytes, with its head */
	ANSWER_SECONDS = 60,
	STATUS_AT = 9, /* behind "HTTP/1.1 " */
	REQUESTS_MAX = 1 << 17,
};

/* Where it is asked. */
static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
} server;
static socklen_t server_len;

/* What is asked, in turns. */
static char *requests[REQUESTS_MAX];
static int64_t request_count;

/* A thread's connection. */
struct connection {
	int fd; /* -1: none */
	char bytes[ANSWER_MAX + 1];
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
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int yes = 1;

	if (connection->fd >= 0)
		return true;
	connection->fd =
	    socket(server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return false;
	(void)setsockopt(
	    connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(
	    connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(connection->fd, &server.any, server_len) == 0)
		return true;
	hang_up(connection);
	return false;
}

/* Reads more; `len` counts from where the answer begins. */
static bool
more(struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->bytes + connection->len,
	    ANSWER_MAX - connection->len, 0);

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
	const char *request = requests[number % request_count];
	size_t len = strlen(request);
	int status = 0;

	(void)kind;
	if (connection == NULL || !connected(connection))
		return TURN_FAILED;
	if (send(connection->fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
		status = read_answer(connection);
	if (status == 0)
		hang_up(connection);
	if (status == 200)
		return TURN_ACCEPTED;
	return status == 401 ? TURN_DENIED : TURN_FAILED;
}

/* One request for `line`; NULL: no memory. */
static char *
make_request(const char *path, const char *line)
{
	const char *name = strstr(line, ": ") != NULL ? "" : "Authorization: ";
	bool none = strcmp(line, "none") == 0;
	char *request;

	return asprintf(&request,
	           "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s\r\n", path,
	           none ? "" : name, none ? "" : line, none ? "" : "\r\n") < 0
	           ? NULL
	           : request;
}

static bool
make_requests(const char *path)
{
	char *line;

	while (request_count < REQUESTS_MAX && (line = turn_line()) != NULL) {
		requests[request_count] = make_request(path, line);
		free(line);
		if (requests[request_count++] == NULL)
			return false;
	}
	return request_count > 0;
}

static bool
name_server(const char *where)
{
	if (where[0] != '/') {
		server.in.sin_family = AF_INET;
		server.in.sin_port =
		    htons((in_port_t)turn_number(where, UINT16_MAX));
		server.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		server_len = sizeof(server.in);
		return true;
	}
	server.un.sun_family = AF_UNIX;
	server_len = sizeof(server.un);
	return snprintf(server.un.sun_path, sizeof(server.un.sun_path), "%s",
	           where) < (int)sizeof(server.un.sun_path);
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
		    stderr, "Usage: web PORT|SOCKET PATH THREADS WARM COUNT\n");
		return 2;
	}
	turn.threads = (int)turn_number(argv[3], TURN_THREADS);
	turn.warm = turn_number(argv[4], INT32_MAX);
	turn.count = turn_number(argv[5], INT32_MAX);
	if (!name_server(argv[1]) || !make_requests(argv[2]))
		return 2;
	status = turn_run(&turn);
	for (int64_t i = 0; i < request_count; i++)
		free(requests[i]);
	return status;
}
