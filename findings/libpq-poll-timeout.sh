#!/bin/sh
# PQconnectPoll() takes no notice of connect_timeout, as the manual says; and so with
# several hosts it never gets past one that takes the connection and says nothing, as a
# frozen machine does. PQconnectdb() goes on to the next host.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	libpq5=15.20-0+deb12u1 libpq-dev=15.20-0+deb12u1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >hosts.c <<'END'
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int silent[2], ports[2];

/* The kernel takes connections, and nobody reads them. */
static void
listen_silently(int i)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);

	silent[i] = socket(AF_INET, SOCK_STREAM, 0);
	bind(silent[i], (struct sockaddr *)&addr, len);
	getsockname(silent[i], (struct sockaddr *)&addr, &len);
	listen(silent[i], 8);
	ports[i] = ntohs(addr.sin_port);
}

/* How many have connected there since the last time. */
static int
visitors(int i)
{
	struct pollfd fd = { silent[i], POLLIN, 0 };
	int count = 0;

	while (poll(&fd, 1, 0) == 1) {
		close(accept(silent[i], NULL, NULL));
		count++;
	}
	return count;
}

static void
poll_for(PGconn *conn, int seconds)
{
	time_t end = time(NULL) + seconds;
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	while (time(NULL) < end && step != PGRES_POLLING_FAILED) {
		struct pollfd fd = { PQsocket(conn),
			step == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0 };

		if (poll(&fd, 1, 100) == 1)
			step = PQconnectPoll(conn);
	}
}

int
main(void)
{
	char info[128];
	PGconn *conn;

	listen_silently(0);
	listen_silently(1);
	snprintf(info, sizeof(info),
	    "host=127.0.0.1,127.0.0.1 port=%d,%d connect_timeout=2 "
	    "sslmode=disable gssencmode=disable",
	    ports[0], ports[1]);
	PQfinish(PQconnectdb(info));
	printf("PQconnectdb(): first host %d", visitors(0));
	printf(", second %d\n", visitors(1));
	conn = PQconnectStart(info);
	poll_for(conn, 10);
	printf("PQconnectPoll(), 10 s: first host %d", visitors(0));
	printf(", second %d\n", visitors(1));
	PQfinish(conn);
	return 0;
}
END
cc -I pkg/usr/include/postgresql -o hosts hosts.c -L "$lib" -l:libpq.so.5 \
	-Wl,--allow-shlib-undefined

seen=$(LD_LIBRARY_PATH=$lib ./hosts)

echo "libpq 15.20, connect_timeout=2, two hosts that say nothing"
echo "$seen"
[ "$seen" = 'PQconnectdb(): first host 1, second 1
PQconnectPoll(), 10 s: first host 1, second 0' ]
