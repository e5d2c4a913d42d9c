#!/bin/sh
# libmicrohttpd 0.9.75 calls the handler of a GET without a body twice. A response
# that is queued at the first call carries "Connection: close" and ends the
# connection, for it counts as a refusal of the body, though there is none; queued at
# the second call, the connection is kept. (src/microhttpd/connection.c,
# MHD_queue_response: "read_closed".)
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >calls.c <<'END'
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* At which call the response is queued. */
static int queue_at;

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)arg, (void)url, (void)method, (void)version, (void)upload,
	    (void)upload_len;
	if (*state == NULL && queue_at > 1) {
		*state = &queue_at;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(
	    0, NULL, MHD_RESPMEM_PERSISTENT);
	result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

/* Whether the answer to a GET ends the connection. */
static int
ends(int call)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	const struct sockaddr nobody = { .sa_family = AF_UNIX };
	struct MHD_Daemon *daemon;
	char answer[1024] = "";
	int pair[2], close_seen;

	queue_at = call;
	daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET |
	                              MHD_USE_INTERNAL_POLLING_THREAD |
	                              MHD_USE_ITC,
	    0, NULL, NULL, handle, NULL, MHD_OPTION_END);
	if (daemon == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    MHD_add_connection(daemon, pair[1], &nobody, sizeof(nobody)) !=
	        MHD_YES)
		return -1;
	(void)!write(pair[0], request, strlen(request));
	(void)!read(pair[0], answer, sizeof(answer) - 1);
	close_seen = strstr(answer, "Connection: close") != NULL;
	MHD_stop_daemon(daemon);
	(void)close(pair[0]);
	return close_seen;
}

int
main(void)
{
	int first = ends(1), second = ends(2);

	printf("libmicrohttpd %s\n", MHD_get_version());
	printf("queued at the first call: %s\n", first ? "closes" : "keeps");
	printf("queued at the second call: %s\n", second ? "closes" : "keeps");
	return first == 1 && second == 0 ? 0 : 1;
}
END
cc -o calls calls.c -I pkg/usr/include "$lib"/libmicrohttpd.so.12
LD_LIBRARY_PATH=$lib ./calls
