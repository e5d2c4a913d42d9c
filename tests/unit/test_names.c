/* How pat-clusterd looks up the names of servers: pat_clusterd/names.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pat_clusterd/names.h"

/* ---- a name service ---- */

enum {
	ADDRESSES = NAMES_ADDRESSES_MAX + 2,
};

static struct {
	int rc;
	size_t len;
	size_t bad;       /* these have no text; */
	sem_t may_answer; /* once for each answer */
	int asked, freed;
	char host[32];
} service;

static struct addrinfo found[ADDRESSES];

int __wrap_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **list);
void __wrap_freeaddrinfo(struct addrinfo *list);
int
__wrap_getnameinfo(const struct sockaddr *address, socklen_t len, char *host,
    socklen_t host_size, char *port, socklen_t port_size, int flags);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start)(void *), void *arg);

int
__wrap_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **list)
{
	while (sem_wait(&service.may_answer) != 0)
		continue;
	service.asked++;
	(void)snprintf(service.host, sizeof(service.host), "%s", host);
	/* As libpq asks: each address once. */
	if (port != NULL || hints->ai_family != AF_UNSPEC ||
	    hints->ai_socktype != SOCK_STREAM)
		return EAI_BADFLAGS;
	for (size_t i = 0; i < service.len; i++) {
		found[i].ai_addrlen = (socklen_t)(i + 1);
		found[i].ai_next = i + 1 < service.len ? &found[i + 1] : NULL;
	}
	*list = service.len > 0 ? found : NULL;
	return service.rc;
}

void
__wrap_freeaddrinfo(struct addrinfo *list)
{
	if (list == found)
		service.freed++;
}

/* "10.0.0.N", N from 1 on. */
int
__wrap_getnameinfo(const struct sockaddr *address, socklen_t len, char *host,
    socklen_t host_size, char *port, socklen_t port_size, int flags)
{
	(void)address;
	if (len <= service.bad || port != NULL || port_size != 0 ||
	    (flags & NI_NUMERICHOST) == 0)
		return EAI_FAMILY;
	(void)snprintf(host, host_size, "10.0.0.%u", (unsigned int)len);
	return 0;
}

static int threads;
static bool no_threads;

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start)(void *), void *arg)
{
	if (no_threads)
		return EAGAIN;
	threads++;
	return __real_pthread_create(thread, attributes, start, arg);
}

/* ---- the names ---- */

/* The threads use one until the process ends. */
static struct fixture {
	struct conninfo info;
	struct names names;
	struct names_answer answer;
} fixtures[20];

static struct fixture *
make(const char *conninfo)
{
	static size_t used;
	struct fixture *fixture = &fixtures[used++];

	assert_true(used <= sizeof(fixtures) / sizeof(fixtures[0]));
	assert_int_equal(
	    conninfo_read(&fixture->info, conninfo, true, NULL), JP_ERR_OK);
	/* The servers are copies. */
	conninfo_free(&fixture->info);
	memset(&fixture->names, 0x5a, sizeof(fixture->names));
	service.rc = 0;
	service.len = service.bad = 0;
	service.asked = service.freed = threads = 0;
	return fixture;
}

static bool
is_there(struct fixture *fixture, size_t server)
{
	return names_answered(&fixture->names, server, &fixture->answer);
}

/* Whether poll(2) says that there is news; or waits for it. */
static bool
has_news(struct fixture *fixture, int wait_ms)
{
	struct pollfd news = { .fd = names_fd(&fixture->names),
		.events = POLLIN };

	return poll(&news, 1, wait_ms) == 1;
}

static void
ask(struct fixture *fixture, size_t server)
{
	names_ask(&fixture->names, server);
	assert_int_equal(sem_post(&service.may_answer), 0);
	assert_true(has_news(fixture, -1));
	assert_true(is_there(fixture, server));
}

static void
only_what_is_a_name_is_looked_up(void **unused)
{
	static const struct {
		const char *conninfo;
		bool is_name;
	} cases[] = {
		{ "host=db1", true },
		{ "host=d", true },
		{ "host=localhost", true },
		{ "host=127.0.0.1.example", true },
		{ "host=127.0.0.1", false },
		{ "host=::1", false },
		{ "host=fe80::1%eth0", false },
		{ "host=/run/postgresql", false },
		{ "host=@abstract", false },
		{ "host=db1 hostaddr=127.0.0.1", false },
		{ "host=db1 hostaddr=1", false },
		{ "hostaddr=127.0.0.1", false },
		{ "", false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *fixture = make(cases[i].conninfo);

		assert_int_equal(
		    names_start(&fixture->names, &fixture->info), JP_ERR_OK);
		if (names_are_asked(&fixture->names, 0) != cases[i].is_name)
			fail_msg("%s", cases[i].conninfo);
		assert_int_equal(threads, cases[i].is_name ? 1 : 0);
		assert_false(names_are_asked(NULL, 0));
	}
}

/* No thread holds up another one. */
static void
each_name_has_its_own_thread(void **unused)
{
	struct fixture *fixture = make("host=db1,127.0.0.1,db2");

	(void)unused;
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_OK);
	assert_int_equal(threads, 2);
	assert_true(names_are_asked(&fixture->names, 0));
	assert_false(names_are_asked(&fixture->names, 1));
	assert_true(names_are_asked(&fixture->names, 2));
	service.len = 1;
	ask(fixture, 2);
	assert_string_equal(service.host, "db2");
	assert_false(is_there(fixture, 0));
	ask(fixture, 0);
	assert_string_equal(service.host, "db1");
}

static void
all_addresses_come_in_their_order(void **unused)
{
	struct fixture *fixture = make("host=db1");

	(void)unused;
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_OK);
	service.len = 3;
	service.bad = 1;
	ask(fixture, 0);
	assert_int_equal(fixture->answer.len, 2);
	assert_string_equal(fixture->answer.of[0], "10.0.0.2");
	assert_string_equal(fixture->answer.of[1], "10.0.0.3");
	assert_string_equal(fixture->answer.text, "");
	assert_int_equal(service.freed, 1);
	/* It is taken once. */
	assert_false(has_news(fixture, 0));
	assert_false(is_there(fixture, 0));
	/* No more than there is room for. */
	service.len = ADDRESSES;
	service.bad = 0;
	ask(fixture, 0);
	assert_int_equal(fixture->answer.len, NAMES_ADDRESSES_MAX);
	assert_string_equal(
	    fixture->answer.of[NAMES_ADDRESSES_MAX - 1], "10.0.0.8");
	assert_string_equal(fixture->answer.text, "");
	assert_int_equal(service.asked, 2);
}

static void
a_name_without_an_address_says_why(void **unused)
{
	struct fixture *fixture = make("host=db1");

	(void)unused;
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_OK);
	service.len = service.bad = 2;
	ask(fixture, 0);
	assert_int_equal(fixture->answer.len, 0);
	assert_string_equal(fixture->answer.text, "it has no address");
	service.rc = EAI_NONAME;
	ask(fixture, 0);
	assert_int_equal(fixture->answer.len, 0);
	assert_string_equal(fixture->answer.text, gai_strerror(EAI_NONAME));
	/* Nothing was found that would have to be given back. */
	assert_int_equal(service.freed, 1);
}

/* What was answered to a question that was given up is out of date. */
static void
an_old_answer_is_none(void **unused)
{
	struct fixture *fixture = make("host=db1");

	(void)unused;
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_OK);
	service.len = 1;
	names_ask(&fixture->names, 0);
	assert_int_equal(sem_post(&service.may_answer), 0);
	assert_true(has_news(fixture, -1));
	names_ask(&fixture->names, 0);
	assert_false(is_there(fixture, 0));
	assert_int_equal(sem_post(&service.may_answer), 0);
	assert_true(has_news(fixture, -1));
	assert_true(is_there(fixture, 0));
	assert_int_equal(service.asked, 2);
}

static void
without_a_thread_or_a_descriptor_it_does_not_start(void **unused)
{
	struct fixture *fixture = make("host=127.0.0.1,db1,db2");
	struct rlimit kept, none;

	(void)unused;
	no_threads = true;
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_NOMEM);
	no_threads = false;
	(void)close(names_fd(&fixture->names));
	/* The first failure is the last try. */
	assert_false(names_are_asked(&fixture->names, 2));
	fixture = make("host=db1");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	none = kept;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(
	    names_start(&fixture->names, &fixture->info), JP_ERR_NOMEM);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
	assert_int_equal(threads, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_a_name_is_looked_up),
		cmocka_unit_test(each_name_has_its_own_thread),
		cmocka_unit_test(all_addresses_come_in_their_order),
		cmocka_unit_test(a_name_without_an_address_says_why),
		cmocka_unit_test(an_old_answer_is_none),
		cmocka_unit_test(
		    without_a_thread_or_a_descriptor_it_does_not_start),
	};

	(void)sem_init(&service.may_answer, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
