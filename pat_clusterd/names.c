#include "pat_clusterd/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "common/base/text.h"

/* ---- in the threads ---- */

static void
add(struct names_answer *answer, const struct addrinfo *at)
{
	char *to = answer->of[answer->len];

	if (answer->len < NAMES_ADDRESSES_MAX &&
	    getnameinfo(at->ai_addr, at->ai_addrlen, to, NAMES_ADDRESS_MAX,
	        NULL, 0, NI_NUMERICHOST) == 0)
		answer->len++;
}

static void
look_up(const char *host, struct names_answer *answer)
{
	/* As libpq asks. */
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const int rc = getaddrinfo(host, NULL, &hints, &found);

	memset(answer, 0, sizeof(*answer));
	if (rc != 0) {
		(void)jp_field_set(
		    answer->text, sizeof(answer->text), gai_strerror(rc));
		return;
	}
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
		if (answer->len < NAMES_ADDRESSES_MAX)
			add(answer, at);
	freeaddrinfo(found);
	if (answer->len == 0)
		(void)jp_field_set(
		    answer->text, sizeof(answer->text), "it has no address");
}

static void *
work(void *arg)
{
	struct name *name = arg;
	struct names *names = name->names;
	struct names_answer answer;

	(void)pthread_mutex_lock(&names->mutex);
	for (;;) {
		while (!name->wanted)
			(void)pthread_cond_wait(&names->wake, &names->mutex);
		(void)pthread_mutex_unlock(&names->mutex);
		look_up(name->host, &answer);
		(void)pthread_mutex_lock(&names->mutex);
		name->answer = answer;
		name->has_answer = true;
		name->wanted = false;
		(void)eventfd_write(names->fd, 1);
	}
	return NULL;
}

/* ---- for the loop ---- */

static bool
is_address(const char *host)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	/* With a zone it is one, too. */
	return inet_pton(AF_INET, host, bytes) == 1 ||
	       strchr(host, ':') != NULL;
}

static bool
is_name(const struct conninfo_server *server)
{
	return server->hostaddr[0] == '\0' && server->host[0] != '\0' &&
	       server->host[0] != '/' && server->host[0] != '@' &&
	       !is_address(server->host);
}

static enum jp_err
start_one(struct names *names, size_t server, const char *host)
{
	struct name *name = &names->of[server];
	pthread_t thread;

	name->names = names;
	name->host = host;
	if (pthread_create(&thread, NULL, work, name) != 0)
		return JP_ERR_NOMEM;
	(void)pthread_detach(thread);
	return JP_ERR_OK;
}

enum jp_err
names_start(struct names *names, const struct conninfo *info)
{
	enum jp_err err = JP_ERR_OK;

	memset(names, 0, sizeof(*names));
	(void)pthread_mutex_init(&names->mutex, NULL);
	(void)pthread_cond_init(&names->wake, NULL);
	names->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (names->fd < 0)
		return JP_ERR_NOMEM;
	for (size_t i = 0; i < info->server_len && err == JP_ERR_OK; i++)
		if (is_name(&info->servers[i]))
			err = start_one(names, i, info->servers[i].host);
	return err;
}

bool
names_are_asked(const struct names *names, size_t server)
{
	return names != NULL && names->of[server].host != NULL;
}

/* What was answered to a question that was given up may be long out of date. */
void
names_ask(struct names *names, size_t server)
{
	(void)pthread_mutex_lock(&names->mutex);
	names->of[server].wanted = true;
	names->of[server].has_answer = false;
	(void)pthread_cond_broadcast(&names->wake);
	(void)pthread_mutex_unlock(&names->mutex);
}

bool
names_answered(struct names *names, size_t server, struct names_answer *answer)
{
	struct name *name = &names->of[server];
	eventfd_t count;
	bool has_answer;

	(void)eventfd_read(names->fd, &count);
	(void)pthread_mutex_lock(&names->mutex);
	has_answer = name->has_answer;
	if (has_answer)
		*answer = name->answer;
	name->has_answer = false;
	(void)pthread_mutex_unlock(&names->mutex);
	return has_answer;
}

int
names_fd(const struct names *names)
{
	return names->fd;
}
