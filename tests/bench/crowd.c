/*
 * Questions to a daemon, each over a connection of its own, as the modules and
 * libsasl ask them.
 *
 *     crowd PROTOCOL SOCKET THREADS WARM COUNT SECONDS [WEIGHT WEIGHT WEIGHT]
 *
 * PROTOCOL is `verify` (patd's verify.sock, by the client code of the modules)
 * or `mux` (the protocol of saslauthd). Standard input: lines of kind, user and
 * password with a blank between them, then an empty line; see turn.h. Kinds are
 * `warm`, `forged` and `cold`; of 100 questions WEIGHT are of each kind, all
 * are warm by default. Those of a kind are taken in turn; where the cold ones
 * end, they begin again. Warming up takes warm ones only.
 */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/wire/client.h"
#include "tests/bench/turn.h"

enum {
	SERVICE_LEN_MAX = 256,
	ANSWER_SECONDS = 30,
	PAUSE_MS = 1, /* where nobody answers, as no caller asks in a loop */
	HUNDRED = 100,
	STEP = 37, /* has no factor in common with HUNDRED: scatters kinds */
};

struct credential {
	char *user;
	char *password;
};

struct credentials {
	struct credential *all;
	int64_t len;
};

static const char *const kinds[TURN_KINDS] = { "warm", "forged", "cold" };
static struct credentials known[TURN_KINDS];
static int64_t weights[TURN_KINDS] = { HUNDRED, 0, 0 };
static const char *socket_path;

static enum turn_result
ask_verify(const struct credential *who)
{
	struct jp_client client = {
		.socket_path = socket_path,
		.timeout_ms = ANSWER_SECONDS * 1000,
	};
	struct jp_request request = { .front = JP_FRONT_PAM };
	struct jp_reply reply;

	if (jp_field_set(request.user, sizeof(request.user), who->user) !=
	        JP_ERR_OK ||
	    jp_secret_set(&request.token, who->password,
	        strlen(who->password)) != JP_ERR_OK)
		return TURN_FAILED;
	(void)jp_field_set(request.service, sizeof(request.service), "bench");
	(void)jp_field_set(request.rhost, sizeof(request.rhost), "127.0.0.1");
	if (jp_client_ask(&client, &request, &reply) != JP_ERR_OK) {
		(void)poll(NULL, 0, PAUSE_MS);
		return TURN_FAILED;
	}
	if (reply.verdict == JP_UNAVAILABLE)
		return TURN_FAILED;
	return reply.verdict == JP_ACCEPT ? TURN_ACCEPTED : TURN_DENIED;
}

/* Its length in two bytes, big end first, then the text. */
static char *
put_counted(char *to, const char *text)
{
	size_t len = strlen(text);

	*to++ = (char)(len >> 8);
	*to++ = (char)(len & 0xff);
	return mempcpy(to, text, len);
}

static int
connect_stream(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (jp_field_set(addr.sun_path, sizeof(addr.sun_path), socket_path) ==
	        JP_ERR_OK &&
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Reads exactly `len` bytes. */
static bool
read_all(int fd, char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t got = read(fd, bytes, len);

		if (got <= 0)
			return false;
		bytes += got;
		len -= (size_t)got;
	}
	return true;
}

/* The answer is counted, too: OK or NO, with words behind it. */
static enum turn_result
read_answer(int fd)
{
	unsigned char count[2];
	char text[1024];
	size_t len;

	if (!read_all(fd, (char *)count, sizeof(count)))
		return TURN_FAILED;
	len = (size_t)count[0] << 8 | count[1];
	if (len < 2 || len > sizeof(text) || !read_all(fd, text, len))
		return TURN_FAILED;
	if (memcmp(text, "OK", 2) == 0)
		return TURN_ACCEPTED;
	return memcmp(text, "NO", 2) == 0 ? TURN_DENIED : TURN_FAILED;
}

static enum turn_result
ask_mux(const struct credential *who)
{
	char bytes[4 * SERVICE_LEN_MAX + JP_SECRET_MAX];
	char *end = bytes;
	enum turn_result result = TURN_FAILED;
	int fd = connect_stream();

	if (fd < 0)
		return TURN_FAILED;
	end = put_counted(end, who->user);
	end = put_counted(end, who->password);
	end = put_counted(end, "bench"); /* service */
	end = put_counted(end, "");      /* realm */
	if (send(fd, bytes, (size_t)(end - bytes), MSG_NOSIGNAL) == end - bytes)
		result = read_answer(fd);
	(void)close(fd);
	return result;
}

static const struct {
	const char *name;
	enum turn_result (*ask)(const struct credential *who);
} protocols[] = {
	{ "verify", ask_verify },
	{ "mux", ask_mux },
};
static enum turn_result (*ask)(const struct credential *who);

/* Scattered evenly: each hundred questions hold the weights exactly. */
static int
kind_of(int64_t number)
{
	int64_t place = number * STEP % HUNDRED;
	int kind = TURN_KINDS - 1;

	while (kind > 0 && place >= weights[kind])
		place -= weights[kind--];
	return kind;
}

static enum turn_result
operate(void *state, int64_t number, int kind)
{
	const struct credentials *of = &known[kind];

	(void)state;
	/* Cold ones must not come twice before all have come once. */
	if (kind == TURN_KINDS - 1)
		number = number / HUNDRED * weights[kind] +
		         number % HUNDRED * STEP % HUNDRED;
	return ask(&of->all[number % of->len]);
}

/* A line of standard input. */
static bool
add_credential(char *line)
{
	char *save;
	const char *kind = strtok_r(line, " ", &save);
	const char *user = strtok_r(NULL, " ", &save);
	const char *password = strtok_r(NULL, " ", &save);

	for (int i = 0; password != NULL && i < TURN_KINDS; i++) {
		struct credentials *of = &known[i];
		struct credential *more;

		if (strcmp(kinds[i], kind) != 0)
			continue;
		more =
		    reallocarray(of->all, (size_t)of->len + 1, sizeof(*more));
		if (more == NULL)
			return false;
		of->all = more;
		more[of->len].user = strdup(user);
		more[of->len].password = strdup(password);
		return of->all[of->len].user != NULL &&
		       of->all[of->len++].password != NULL;
	}
	return false;
}

static bool
read_credentials(void)
{
	bool ok = true;
	char *line;

	while ((line = turn_line()) != NULL) {
		ok = add_credential(line) && ok;
		free(line);
	}
	for (int i = 0; i < TURN_KINDS; i++)
		ok = ok && (weights[i] == 0 || known[i].len > 0);
	return ok;
}

static void
set_weights(char **texts)
{
	int64_t sum = 0;

	for (int i = 0; i < TURN_KINDS; i++)
		sum += weights[i] = turn_number(texts[i], HUNDRED);
	if (sum != HUNDRED) {
		(void)fprintf(stderr, "crowd: the weights must make 100\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct turn turn = {
		.kinds = { kinds[0], kinds[1], kinds[2] },
		.operate = operate,
		.kind = kind_of,
	};

	for (size_t i = 0; argc > 1 && i < 2; i++)
		if (strcmp(protocols[i].name, argv[1]) == 0)
			ask = protocols[i].ask;
	if ((argc != 7 && argc != 10) || ask == NULL) {
		(void)fprintf(stderr,
		    "Usage: crowd verify|mux SOCKET THREADS WARM COUNT SECONDS "
		    "[WEIGHT WEIGHT WEIGHT]\n");
		return 2;
	}
	socket_path = argv[2];
	turn.threads = (int)turn_number(argv[3], TURN_THREADS);
	turn.warm = turn_number(argv[4], INT32_MAX);
	turn.count = turn_number(argv[5], INT32_MAX);
	turn.seconds = turn_number(argv[6], INT32_MAX);
	if (argc == 10)
		set_weights(argv + 7);
	if (!read_credentials()) {
		(void)fprintf(stderr, "crowd: nobody to ask about\n");
		return 2;
	}
	return turn_run(&turn);
}
