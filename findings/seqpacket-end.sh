#!/bin/sh
# recv(2) with MSG_DONTWAIT on a SOCK_SEQPACKET socket of the family AF_UNIX
# returns 0, the end, though a message is there: if the peer sends and closes
# between the look into the empty queue and the look at the end. The next recv
# has the message. After poll(2) it does not happen: what poll reports has been
# queued. (unix(7), recv(2): 0 means that the peer has shut down, not that more
# may follow; net/unix/af_unix.c, "Signal EOF on disconnected non-blocking
# SEQPACKET socket".)
#
# No package, but the kernel that runs, of at least 6.1 on two processors; the
# moment is short, so that it takes some 100,000 rounds.
set -eu

[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
uname -sr

cat >end.c <<'END'
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 2000000, SIZE = 272 };

/* Answers on each socket that it is told of, and closes it. */
static void *
answer(void *arg)
{
	const char message[SIZE] = { 0 };
	int fd;

	while (read(*(int *)arg, &fd, sizeof(fd)) == sizeof(fd)) {
		(void)send(fd, message, sizeof(message), MSG_NOSIGNAL);
		(void)close(fd);
	}
	return NULL;
}

/* One message, read with or without poll(2) first: 1 if it had ended early. */
static int
ended(int orders, int polled)
{
	char message[SIZE];
	struct pollfd wait = { .events = POLLIN };
	int pair[2];
	ssize_t len;
	int early = 0;

	(void)socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	(void)!write(orders, &pair[1], sizeof(pair[1]));
	wait.fd = pair[0];
	if (polled)
		(void)poll(&wait, 1, -1);
	while ((len = recv(pair[0], message, SIZE, MSG_DONTWAIT)) < 0)
		continue;
	if (len == 0)
		early = recv(pair[0], message, SIZE, MSG_DONTWAIT) == SIZE;
	(void)close(pair[0]);
	return early;
}

int
main(void)
{
	pthread_t peer;
	int orders[2], rounds, seen = 0, polled = 0;

	if (pipe(orders) != 0 ||
	    pthread_create(&peer, NULL, answer, &orders[0]) != 0)
		return 1;
	for (rounds = 0; seen < 3 && rounds < ROUNDS; rounds++)
		seen += ended(orders[1], 0);
	printf("%d of %d read 0 with a message in the queue\n", seen, rounds);
	for (int i = 0; i < rounds; i++)
		polled += ended(orders[1], 1);
	printf("%d of %d after poll(2)\n", polled, rounds);
	return seen == 0 || polled > 0;
}
END
cc -O2 -pthread -o end end.c
./end
