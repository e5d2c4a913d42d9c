/*
 * The names of servers, looked up by threads of their own: the name service may
 * take as long as it likes, and nobody waits for it. One thread for each name,
 * so that one of them holds up no other.
 */
#ifndef NAMES_H
#define NAMES_H

#include <netinet/in.h>
#include <pthread.h>

#include "pat_clusterd/pq_conninfo.h"

enum {
	NAMES_ADDRESSES_MAX = 8,
	NAMES_ADDRESS_MAX = INET6_ADDRSTRLEN + 17, /* "fe80::1%eth0" */
	NAMES_TEXT_MAX = 128,
};

struct names_answer {
	size_t len; /* 0: `text` says why */
	char of[NAMES_ADDRESSES_MAX][NAMES_ADDRESS_MAX];
	char text[NAMES_TEXT_MAX];
};

struct names;

struct name {
	struct names *names;
	const char *host; /* NULL: none that is looked up */
	bool wanted;      /* it has to be looked up, or is being */
	bool has_answer;
	struct names_answer answer;
};

struct names {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	int fd; /* an answer has come */
	struct name of[CONNINFO_SERVERS_MAX];
};

/*
 * Starts the threads, which end with the process; the conninfo stays the
 * caller's. JP_ERR_NOMEM.
 */
enum jp_err names_start(struct names *names, const struct conninfo *info);

/* Whether that server has a name that is looked up here; `names`: or NULL. */
bool names_are_asked(const struct names *names, size_t server);

/* Asks; an earlier question that is under way will do. */
void names_ask(struct names *names, size_t server);

/* Whether the answer is there: takes it. */
bool
names_answered(struct names *names, size_t server, struct names_answer *answer);

/* For poll(2): readable when an answer has come. */
int names_fd(const struct names *names);

#endif
