#!/bin/sh
# libmicrohttpd 0.9.75 shows a field of the head once more as one behind the body
# (MHD_FOOTER_KIND), if a request in chunks comes byte by byte: the last one of the
# head. So fields behind a body cannot be told from none. (src/microhttpd/connection.c,
# MHD_connection_handle_idle: "FOOTER_PART_RECEIVED", process_broken_line.)
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

cat >footer.c <<'END'
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int footers;

static enum MHD_Result
show(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)arg, (void)kind;
	printf("behind the body: %s: %s\n", name, value);
	return MHD_YES;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)arg, (void)url, (void)method, (void)version, (void)upload;
	if (*state == NULL || *upload_len > 0) {
		*state = &footers;
		*upload_len = 0;
		return MHD_YES;
	}
	footers = MHD_get_connection_values(
	    connection, MHD_FOOTER_KIND, show, NULL);
	response = MHD_create_response_from_buffer(
	    0, NULL, MHD_RESPMEM_PERSISTENT);
	result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

int
main(void)
{
	static const char request[] =
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "1\r\nx\r\n0\r\n\r\n";
	const struct sockaddr nobody = { .sa_family = AF_UNIX };
	struct MHD_Daemon *daemon =
	    MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL, 0, NULL,
	        NULL, handle, NULL, MHD_OPTION_END);
	int pair[2];

	if (daemon == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    MHD_add_connection(daemon, pair[1], &nobody, sizeof(nobody)) !=
	        MHD_YES)
		return 2;
	for (size_t i = 0; i < strlen(request); i++) {
		(void)!write(pair[0], request + i, 1);
		for (int n = 0; n < 3; n++)
			(void)MHD_run(daemon);
	}
	printf("libmicrohttpd %s: %d behind the body, where there is none\n",
	    MHD_get_version(), footers);
	MHD_stop_daemon(daemon);
	return footers == 1 ? 0 : 1;
}
END
cc -o footer footer.c -I pkg/usr/include "$lib"/libmicrohttpd.so.12
LD_LIBRARY_PATH=$lib ./footer
