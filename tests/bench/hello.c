/*
 * Servers that say yes and look at nothing, beside which pat-httpd is measured:
 * a bare hello of libmicrohttpd, and one of FastCGI.
 *
 *     hello http PORT
 *     hello fcgi SOCKET
 *
 * Prints "ready", and runs until it is killed.
 */
#include "config.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
say_ready(void)
{
	(void)puts("ready");
	(void)fflush(stdout);
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result
say_hello(void *response, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	(void)url;
	(void)method;
	(void)version;
	(void)upload;
	(void)upload_size;
	if (*state == NULL) { /* an answer now would end the connection */
		*state = response;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static int
serve_http(const char *port)
{
	static char hello[] = "hello\n";
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    sizeof(hello) - 1, hello, MHD_RESPMEM_PERSISTENT);

	if (response == NULL ||
	    MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
	        say_hello, response, MHD_OPTION_SOCK_ADDR, &addr,
	        MHD_OPTION_END) == NULL)
		return 1;
	say_ready();
	return pause(); /* a thread of the library serves */
}

/* ---- FastCGI ---- */

enum {
	HEAD = 8, /* bytes of a record's head */
	END_REQUEST = 3,
	STDIN = 5,
	STDOUT = 6,
	ROOM = 8192,
	EVENTS = 64,
	ANSWER_MAX = 256,
};

static const char yes[] = "Status: 200\r\n"
                          "X-Forwarded-User: alice\r\n"
                          "Cache-Control: no-store\r\n"
                          "Content-Length: 0\r\n\r\n";

struct asker {
	int fd;
	size_t len;
	uint8_t bytes[ROOM];
};

static size_t
put_head(uint8_t *at, uint8_t type, const uint8_t id[2], size_t len)
{
	const uint8_t head[HEAD] = { 1, type, id[0], id[1], (uint8_t)(len >> 8),
		(uint8_t)len, 0, 0 };

	memcpy(at, head, HEAD);
	return HEAD;
}

static bool
say_yes(int fd, const uint8_t id[2])
{
	static const uint8_t end[HEAD];
	uint8_t bytes[ANSWER_MAX];
	size_t len = put_head(bytes, STDOUT, id, sizeof(yes) - 1);

	memcpy(bytes + len, yes, sizeof(yes) - 1);
	len += sizeof(yes) - 1;
	len += put_head(bytes + len, STDOUT, id, 0);
	len += put_head(bytes + len, END_REQUEST, id, sizeof(end));
	memcpy(bytes + len, end, sizeof(end));
	len += sizeof(end);
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Answers where a request ends: an empty record of its body. */
static bool
take_records(struct asker *asker)
{
	size_t at = 0;

	while (asker->len - at >= HEAD) {
		const uint8_t *head = asker->bytes + at;
		size_t content = head[4] * 256U + head[5];
		size_t whole = HEAD + content + head[6];

		if (asker->len - at < whole)
			break;
		if (head[1] == STDIN && content == 0 &&
		    !say_yes(asker->fd, head + 2))
			return false;
		at += whole;
	}
	memmove(asker->bytes, asker->bytes + at, asker->len - at);
	asker->len -= at;
	return asker->len < ROOM;
}

static bool
read_some(struct asker *asker)
{
	ssize_t got =
	    recv(asker->fd, asker->bytes + asker->len, ROOM - asker->len, 0);

	if (got <= 0)
		return false;
	asker->len += (size_t)got;
	return take_records(asker);
}

static void
watch(int epoll, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data = { .ptr = who } };

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
take_one(int epoll, int listener)
{
	struct asker *asker = malloc(sizeof(*asker));

	if (asker == NULL)
		return;
	asker->len = 0;
	asker->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (asker->fd >= 0)
		watch(epoll, asker->fd, asker);
	else
		free(asker);
}

static void
serve_askers(int listener)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, listener, NULL);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			struct asker *asker = events[i].data.ptr;

			if (asker == NULL) {
				take_one(epoll, listener);
			} else if (!read_some(asker)) {
				(void)close(asker->fd);
				free(asker);
			}
		}
	}
}

static int
serve_fcgi(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		return 2;
	(void)stpcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		return 1;
	say_ready();
	serve_askers(fd);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "http") == 0)
		return serve_http(argv[2]);
	if (argc == 3 && strcmp(argv[1], "fcgi") == 0)
		return serve_fcgi(argv[2]);
	(void)fprintf(stderr, "Usage: hello http PORT | fcgi SOCKET\n");
	return 2;
}
