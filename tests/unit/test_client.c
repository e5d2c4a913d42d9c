/*
 * The asking side of the verify protocol, common/wire/client.c, against
 * listeners that misbehave in each way. This program is also the patd that it
 * spawns: see one_shot().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/wire/client.h"
#include "tests/fake_patd.h"
#include "tests/hosts.h"
#include "tests/leave_out.h"

enum {
	SHORT_MS = 150,
	SLACK_MS = 1500, /* of a loaded machine, or under valgrind */
	ASK_MS = 20000,
	NOBODY = 65534,
};

static char scratch[64];
static char socket_path[96];
static char self[4096];

/* Asks; checks what holds for every answer. */
static enum jp_err
ask_with(const struct jp_client *client, struct jp_reply *reply)
{
	struct jp_request request = { .front = JP_FRONT_PAM, .user = "alice" };
	enum jp_err err;

	memset(reply, 0xff, sizeof(*reply));
	(void)jp_secret_set(&request.token, "token", 5);
	err = jp_client_ask(client, &request, reply);
	if (err != JP_ERR_OK) {
		const struct jp_reply none = { .verdict = JP_UNAVAILABLE };

		assert_memory_equal(reply, &none, sizeof(none));
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
	return err;
}

static enum jp_err
ask(int timeout_ms)
{
	const struct jp_client client = { .socket_path = socket_path,
		.timeout_ms = timeout_ms };
	struct jp_reply reply;

	return ask_with(&client, &reply);
}

/* What a fake of `answer` makes of one question. */
static enum jp_err
ask_fake(fake_answer answer, void *arg, int timeout_ms)
{
	struct fake_patd *fake = fake_patd_start(socket_path, answer, arg);
	enum jp_err err = ask(timeout_ms);

	fake_patd_stop(fake);
	return err;
}

static int
echo_verdict(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	const enum jp_verdict *verdict = arg;

	if (!request->last || request->token.len != 5 ||
	    memcmp(request->token.text, "token", 5) != 0)
		return FAKE_CLOSE;
	return fake_reply(request, *verdict, request->user, bytes);
}

static void
every_verdict_arrives(void **unused)
{
	const struct jp_client client = { .socket_path = socket_path,
		.timeout_ms = ASK_MS };
	static enum jp_verdict verdicts[] = { JP_DENY, JP_UNAVAILABLE,
		JP_ACCEPT };
	struct jp_reply reply;

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		struct fake_patd *fake =
		    fake_patd_start(socket_path, echo_verdict, &verdicts[i]);
		enum jp_err err = ask_with(&client, &reply);

		fake_patd_stop(fake);
		assert_int_equal(err, JP_ERR_OK);
		assert_int_equal(reply.verdict, verdicts[i]);
		assert_string_equal(reply.user, "alice");
	}
}

static void
no_socket_is_unreachable(void **unused)
{
	(void)unused;
	assert_int_equal(ask(ASK_MS), JP_ERR_UNREACHABLE);
}

static void
a_socket_file_without_listener_is_unreachable(void **unused)
{
	enum jp_verdict verdict = JP_ACCEPT;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)unused;
	fake_patd_stop(fake_patd_start(socket_path, echo_verdict, &verdict));
	(void)strcpy(addr.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	assert_int_equal(ask(ASK_MS), JP_ERR_UNREACHABLE);
	(void)unlink(socket_path);
}

/* CVE-2024-22365: nothing that stands at the path may block. */
static void
a_path_that_is_no_socket_is_refused_at_once(void **unused)
{
	(void)unused;
	assert_int_equal(mkfifo(socket_path, 0600), 0);
	assert_int_equal(ask(ASK_MS), JP_ERR_UNREACHABLE);
	assert_int_equal(unlink(socket_path), 0);
	assert_int_equal(mkdir(socket_path, 0700), 0);
	assert_int_equal(ask(ASK_MS), JP_ERR_UNREACHABLE);
	assert_int_equal(rmdir(socket_path), 0);
	assert_int_equal(symlink(socket_path, socket_path), 0);
	assert_int_equal(ask(ASK_MS), JP_ERR_IO);
	assert_int_equal(unlink(socket_path), 0);
}

static void
paths_that_no_address_holds_are_refused(void **unused)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int fd;

	(void)unused;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(jp_client_connect(path, jp_now_ms() + ASK_MS, &fd),
	    JP_ERR_TOO_LONG);
	assert_int_equal(jp_client_connect("", jp_now_ms() + ASK_MS, &fd),
	    JP_ERR_UNREACHABLE);
	assert_int_equal(fd, -1);
}

static int
be_silent(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	(void)arg;
	(void)request;
	(void)bytes;
	return FAKE_SILENT;
}

static void
assert_took(int64_t start_ms, int64_t at_least, int64_t at_most)
{
	int64_t took = jp_now_ms() - start_ms;

	assert_true(took >= at_least);
	assert_true(took <= at_most);
}

static void
the_deadline_holds_without_an_answer(void **unused)
{
	int64_t start = jp_now_ms();

	(void)unused;
	assert_int_equal(ask_fake(be_silent, NULL, SHORT_MS), JP_ERR_TIMEOUT);
	assert_took(start, SHORT_MS, SHORT_MS + SLACK_MS);
}

/* Nobody accepts, and the backlog is full: connect(2) says EAGAIN. */
static void
the_deadline_holds_where_nobody_accepts(void **unused)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	int clients[4];
	int64_t start;

	(void)unused;
	(void)strcpy(addr.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < 4; i++) {
		clients[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		(void)connect(
		    clients[i], (struct sockaddr *)&addr, sizeof(addr));
	}
	start = jp_now_ms();
	assert_int_equal(ask(SHORT_MS), JP_ERR_TIMEOUT);
	assert_took(start, SHORT_MS, SHORT_MS + SLACK_MS);
	for (size_t i = 0; i < 4; i++)
		(void)close(clients[i]);
	(void)close(fd);
	(void)unlink(socket_path);
}

/* Nobody accepts, but there is room: the question can be sent. */
static void
the_deadline_holds_where_a_question_is_not_taken(void **unused)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	int64_t start = jp_now_ms();

	(void)unused;
	(void)strcpy(addr.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(ask(SHORT_MS), JP_ERR_TIMEOUT);
	assert_took(start, SHORT_MS, SHORT_MS + SLACK_MS);
	(void)close(fd);
	(void)unlink(socket_path);
}

static void
on_alarm(int signum)
{
	(void)signum;
}

/* A host's timer fires every 10 ms, without SA_RESTART. */
static void
signals_neither_end_nor_prolong_a_question(void **unused)
{
	struct sigaction act = { .sa_handler = on_alarm };
	const struct timeval fast = { .tv_usec = 10000 };
	const struct itimerval on = { fast, fast };
	const struct itimerval off = { { 0 }, { 0 } };
	enum jp_verdict verdict = JP_ACCEPT;
	int64_t start = jp_now_ms();
	enum jp_err silent;
	enum jp_err answered;

	(void)unused;
	(void)sigaction(SIGALRM, &act, NULL);
	(void)setitimer(ITIMER_REAL, &on, NULL);
	silent = ask_fake(be_silent, NULL, SHORT_MS);
	answered = ask_fake(echo_verdict, &verdict, ASK_MS);
	(void)setitimer(ITIMER_REAL, &off, NULL);
	assert_int_equal(silent, JP_ERR_TIMEOUT);
	assert_int_equal(answered, JP_ERR_OK);
	assert_took(start, SHORT_MS, SHORT_MS + 2 * SLACK_MS);
}

struct spoilt {
	int len; /* of the answer; -1: as it is */
	size_t at;
	uint8_t value;
};

/* A good answer, with one byte or its length changed. */
static int
spoil(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	const struct spoilt *spoilt = arg;
	int len;

	memset(bytes, 0, FAKE_MESSAGE_MAX);
	len = fake_reply(request, JP_ACCEPT, request->user, bytes);
	if (spoilt->len < 0)
		bytes[spoilt->at] ^= spoilt->value;
	return spoilt->len < 0 ? len : spoilt->len;
}

/* CVE-2019-16058: 256 bytes of room for what a peer sends. */
static void
an_answer_of_any_other_length_is_none(void **unused)
{
	struct spoilt spoilt = { 0 };
	struct fake_patd *fake = fake_patd_start(socket_path, spoil, &spoilt);
	static enum jp_err err[FAKE_MESSAGE_MAX + 1];

	(void)unused;
	for (spoilt.len = 0; spoilt.len <= FAKE_MESSAGE_MAX; spoilt.len++)
		err[spoilt.len] = ask(ASK_MS);
	fake_patd_stop(fake);
	for (int len = 0; len <= FAKE_MESSAGE_MAX; len++)
		assert_int_equal(err[len],
		    len == JP_REPLY_SIZE ? JP_ERR_OK : JP_ERR_PROTOCOL);
}

static void
an_answer_that_is_wrong_in_one_byte_is_none(void **unused)
{
	struct spoilt rows[] = {
		{ -1, 0, 0x20 },              /* magic */
		{ -1, 4, JP_ACCEPT ^ 4 },     /* verdict 4 */
		{ -1, 5, 0x80 },              /* seq, first byte */
		{ -1, 8, 0x01 },              /* seq, last byte */
		{ -1, 9, 0xff },              /* length of the user */
		{ -1, JP_REPLY_SIZE - 1, 1 }, /* padding */
		{ -1, 12, 'l' },              /* NUL in the user */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    ask_fake(spoil, &rows[i], ASK_MS), JP_ERR_PROTOCOL);
}

static int
hang_up(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	(void)arg;
	(void)request;
	(void)bytes;
	return FAKE_CLOSE;
}

/* And without SIGPIPE, whose default would end this program. */
static void
hanging_up_is_no_answer(void **unused)
{
	(void)unused;
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(ask_fake(hang_up, NULL, ASK_MS), JP_ERR_PROTOCOL);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask_fake(NULL, NULL, ASK_MS), JP_ERR_PROTOCOL);
}

/* A question to a listener of user NOBODY in a folder of `owner`. */
static enum jp_err
ask_foreign(uid_t owner, mode_t mode, int *bytes)
{
	pid_t pid = fake_foreign_start(socket_path, NOBODY);
	const struct jp_client client = { .socket_path = socket_path,
		.timeout_ms = SHORT_MS };
	struct jp_request request = { .user = "alice" };
	struct jp_reply reply;
	enum jp_err err;

	assert_int_equal(chown(scratch, owner, owner), 0);
	assert_int_equal(chmod(scratch, mode), 0);
	(void)jp_secret_set(&request.token, "token", 5);
	err = jp_client_ask(&client, &request, &reply);
	assert_int_equal(reply.verdict, JP_UNAVAILABLE);
	*bytes = fake_foreign_stop(pid);
	assert_int_equal(chown(scratch, 0, 0), 0);
	assert_int_equal(chmod(scratch, 0700), 0);
	(void)unlink(socket_path);
	return err;
}

static void
as_root_another_user_in_roots_folder_gets_no_byte(void **unused)
{
	int bytes;

	(void)unused;
	assert_int_equal(ask_foreign(0, 0755, &bytes), JP_ERR_PEER);
	assert_int_equal(bytes, 0);
}

static void
as_root_nobody_but_root_is_trusted_where_everybody_can_write(void **unused)
{
	int bytes;

	(void)unused;
	assert_int_equal(ask_foreign(NOBODY, 0777, &bytes), JP_ERR_PEER);
	assert_int_equal(bytes, 0);
	assert_int_equal(ask_foreign(NOBODY, 01777, &bytes), JP_ERR_PEER);
	assert_int_equal(bytes, 0);
}

/* Root reads what it likes: whose the directory is says no more. */
static void
as_root_root_is_trusted_in_anybodys_folder(void **unused)
{
	static const mode_t modes[] = { 0700, 0777, 01777 };
	enum jp_verdict verdict = JP_ACCEPT;
	struct fake_patd *fake =
	    fake_patd_start(socket_path, echo_verdict, &verdict);
	enum jp_err err[3];

	(void)unused;
	assert_int_equal(chown(scratch, NOBODY, NOBODY), 0);
	for (size_t i = 0; i < 3; i++) {
		(void)chmod(scratch, modes[i]);
		err[i] = ask(ASK_MS);
	}
	assert_int_equal(chown(scratch, 0, 0), 0);
	assert_int_equal(chmod(scratch, 0700), 0);
	fake_patd_stop(fake);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(err[i], JP_ERR_OK);
}

static void
as_root_the_owner_of_the_folder_is_trusted(void **unused)
{
	int bytes;

	(void)unused;
	assert_int_equal(ask_foreign(NOBODY, 0755, &bytes), JP_ERR_PROTOCOL);
	assert_true(bytes > 0);
}

/* The verdict of a patd that is spawned; its kind stands for --config. */
static enum jp_err
ask_one_shot(const char *kind, int timeout_ms, enum jp_verdict *verdict)
{
	const struct jp_client client = { .socket_path = socket_path,
		.timeout_ms = timeout_ms,
		.one_shot_path = self,
		.config_path = kind };
	struct jp_reply reply;
	enum jp_err err = ask_with(&client, &reply);

	*verdict = reply.verdict;
	return err;
}

static void
as_root_a_patd_is_spawned_where_none_runs(void **unused)
{
	enum jp_verdict verdict;

	(void)unused;
	assert_int_equal(ask_one_shot("accept", ASK_MS, &verdict), JP_ERR_OK);
	assert_int_equal(verdict, JP_ACCEPT);
	assert_int_equal(ask_one_shot("deny", ASK_MS, &verdict), JP_ERR_OK);
	assert_int_equal(verdict, JP_DENY);
	assert_int_equal(ask_one_shot(NULL, ASK_MS, &verdict), JP_ERR_OK);
	assert_int_equal(verdict, JP_UNAVAILABLE);
}

/* The spawned one looks itself, and denies if it got anything of the host. */
static void
as_root_nothing_of_the_host_gets_into_the_spawned_patd(void **unused)
{
	enum jp_verdict verdict;
	sigset_t all;
	sigset_t old;
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
	enum jp_err err;

	(void)unused;
	(void)setenv("LD_DEBUG_OUTPUT", "/nonexistent/x", 1);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	err = ask_one_shot("inspect", ASK_MS, &verdict);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)unsetenv("LD_DEBUG_OUTPUT");
	(void)close(leak);
	assert_int_equal(err, JP_ERR_OK);
	assert_int_equal(verdict, JP_ACCEPT);
}

/* Hosts close their standard descriptors; the pair's ends are then 0 and 1. */
static void
as_root_a_host_without_standard_descriptors_can_spawn(void **unused)
{
	enum jp_verdict verdict;
	int in = dup(0);
	int out = dup(1);
	enum jp_err err;

	(void)unused;
	(void)close(0);
	(void)close(1);
	err = ask_one_shot("inspect", ASK_MS, &verdict);
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)close(in);
	(void)close(out);
	assert_int_equal(err, JP_ERR_OK);
	assert_int_equal(verdict, JP_ACCEPT);
}

static void
as_root_a_spawned_patd_that_hangs_is_killed_at_the_deadline(void **unused)
{
	enum jp_verdict verdict;
	int64_t start = jp_now_ms();

	(void)unused;
	assert_int_equal(
	    ask_one_shot("hang", SHORT_MS, &verdict), JP_ERR_TIMEOUT);
	assert_took(start, SHORT_MS, SHORT_MS + SLACK_MS);
	start = jp_now_ms();
	assert_int_equal(
	    ask_one_shot("linger", 10 * SHORT_MS, &verdict), JP_ERR_OK);
	assert_int_equal(verdict, JP_ACCEPT);
	assert_took(start, SHORT_MS, 10 * SHORT_MS + SLACK_MS);
}

static void
as_root_a_spawned_patd_that_fails_is_no_answer(void **unused)
{
	enum jp_verdict verdict;

	(void)unused;
	assert_int_equal(
	    ask_one_shot("exit", ASK_MS, &verdict), JP_ERR_PROTOCOL);
}

static void
no_patd_to_spawn_is_unreachable(void **unused)
{
	const struct jp_client client = { .socket_path = socket_path,
		.timeout_ms = ASK_MS,
		.one_shot_path = "/nonexistent/patd" };
	struct jp_reply reply;
	enum jp_err err;

	(void)unused;
	err = ask_with(&client, &reply);
	/* Under valgrind posix_spawn(3) succeeds, and its child fails. */
	assert_true(err == JP_ERR_UNREACHABLE || err == JP_ERR_PROTOCOL);
}

struct spawning {
	const char *kind; /* of the spawned patd */
	enum jp_err expected;
};

static bool
spawn_as_expected(void *arg)
{
	const struct spawning *spawning = arg;
	const struct jp_client client = { .socket_path = "/nonexistent/sock",
		.timeout_ms =
		    spawning->expected == JP_ERR_TIMEOUT ? SHORT_MS : ASK_MS,
		.one_shot_path = self,
		.config_path = spawning->kind };
	struct jp_request request = { .user = "alice" };
	struct jp_reply reply;

	return jp_client_ask(&client, &request, &reply) == spawning->expected;
}

static void
as_root_no_host_hears_of_a_spawned_patd(void **unused)
{
	static const struct spawning rows[] = {
		{ "accept", JP_ERR_OK },
		{ "hang", JP_ERR_TIMEOUT },
		{ "exit", JP_ERR_PROTOCOL },
	};

	(void)unused;
	for (size_t i = 0; i < HOST_COUNT; i++) {
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			struct spawning row = rows[j];

			assert_string_equal(
			    host_run(i, spawn_as_expected, &row), "fine");
		}
	}
}

/* Without root nothing is spawned: the child asks as NOBODY. */
static void
as_root_nothing_is_spawned_for_other_users(void **unused)
{
	const struct jp_client client = { .socket_path = "/nonexistent/sock",
		.timeout_ms = ASK_MS,
		.one_shot_path = self };
	struct jp_request request = { .user = "alice" };
	struct jp_reply reply;
	int status;
	pid_t pid;

	(void)unused;
	pid = fork();
	if (pid == 0)
		_exit(setuid(NOBODY) != 0 || jp_client_ask(&client, &request,
		                                 &reply) != JP_ERR_UNREACHABLE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_thousand_questions_leak_no_descriptor(void **unused)
{
	enum jp_verdict verdict = JP_ACCEPT;
	struct fake_patd *fake =
	    fake_patd_start(socket_path, echo_verdict, &verdict);
	int before = fake_open_fds();
	int wrong = 0;

	(void)unused;
	for (int i = 0; i < 1000; i++)
		wrong += ask(ASK_MS) != JP_ERR_OK;
	fake_patd_stop(fake);
	assert_int_equal(wrong, 0);
	for (int i = 0; i < 1000; i++)
		wrong += ask(ASK_MS) != JP_ERR_UNREACHABLE;
	assert_int_equal(wrong, 0);
	/* The fake's own one is closed now. */
	assert_int_equal(fake_open_fds(), before - 1);
}

/* The socket is then descriptor 0. */
static void
a_host_without_standard_descriptors_can_ask(void **unused)
{
	enum jp_verdict verdict = JP_ACCEPT;
	struct fake_patd *fake =
	    fake_patd_start(socket_path, echo_verdict, &verdict);
	int status;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		(void)close_range(0, 2, 0);
		_exit(ask(ASK_MS) != JP_ERR_OK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fake_patd_stop(fake);
	assert_int_equal(status, 0);
}

/* Where select(2) would write past its set. */
static void
a_host_with_thousands_of_descriptors_can_ask(void **unused)
{
	enum { MANY = 2000 };
	static int opened[MANY];
	enum jp_verdict verdict = JP_ACCEPT;
	struct fake_patd *fake;
	struct rlimit before, enough;
	enum jp_err err;

	(void)unused;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_max < MANY + 100)
		return; /* no such host here */
	enough = before;
	enough.rlim_cur = MANY + 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &enough), 0);
	fake = fake_patd_start(socket_path, echo_verdict, &verdict);
	for (int i = 0; i < MANY; i++)
		opened[i] = dup(2);
	err = ask(ASK_MS);
	for (int i = 0; i < MANY; i++)
		(void)close(opened[i]);
	fake_patd_stop(fake);
	(void)setrlimit(RLIMIT_NOFILE, &before);
	assert_true(opened[MANY - 1] > 1024);
	assert_int_equal(err, JP_ERR_OK);
}

/* True if this process has nothing of its parent but descriptors 0 to 2. */
static int
is_clean(void)
{
	extern char **environ;
	struct sigaction act;
	sigset_t mask;

	if (fake_open_fds() != 2 + 3 + 1) /* . and .., 0 to 2, the folder */
		return 0;
	if (environ[0] == NULL || strncmp(environ[0], "PATH=", 5) != 0 ||
	    environ[1] == NULL || strcmp(environ[1], "LD_BIND_NOW=1") != 0 ||
	    environ[2] != NULL)
		return 0;
	(void)sigprocmask(SIG_BLOCK, NULL, &mask);
	(void)sigaction(SIGPIPE, NULL, &act);
	return act.sa_handler == SIG_DFL && !sigismember(&mask, SIGTERM);
}

/* The spawned patd: does what the text in place of the configuration says. */
static int
one_shot(const char *kind)
{
	uint8_t bytes[JP_REQUEST_MAX];
	struct jp_request request;
	enum jp_verdict verdict = JP_UNAVAILABLE;
	ssize_t len = recv(0, bytes, sizeof(bytes), 0);

	if (len <= 0 || strcmp(kind, "exit") == 0 ||
	    jp_request_decode(&request, bytes, (size_t)len) != JP_ERR_OK)
		return 1;
	if (strcmp(kind, "hang") == 0)
		(void)sleep(60);
	if (strcmp(kind, "accept") == 0 || strcmp(kind, "linger") == 0)
		verdict = JP_ACCEPT;
	if (strcmp(kind, "deny") == 0)
		verdict = JP_DENY;
	if (strcmp(kind, "inspect") == 0)
		verdict = is_clean() ? JP_ACCEPT : JP_DENY;
	len = fake_reply(&request, verdict, request.user, bytes);
	(void)send(0, bytes, (size_t)len, MSG_NOSIGNAL);
	if (strcmp(kind, "linger") == 0)
		(void)sleep(60);
	return 0;
}

static int
make_scratch(void **unused)
{
	const char *tmp = getenv("TMPDIR");

	(void)unused;
	(void)snprintf(scratch, sizeof(scratch), "%s/jp-client.XXXXXX",
	    tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	if (mkdtemp(scratch) == NULL ||
	    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -1;
	(void)snprintf(
	    socket_path, sizeof(socket_path), "%s/verify.sock", scratch);
	return 0;
}

static int
remove_scratch(void **unused)
{
	(void)unused;
	(void)unlink(socket_path);
	return rmdir(scratch);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verdict_arrives),
		cmocka_unit_test(no_socket_is_unreachable),
		cmocka_unit_test(a_socket_file_without_listener_is_unreachable),
		cmocka_unit_test(a_path_that_is_no_socket_is_refused_at_once),
		cmocka_unit_test(paths_that_no_address_holds_are_refused),
		cmocka_unit_test(the_deadline_holds_without_an_answer),
		cmocka_unit_test(the_deadline_holds_where_nobody_accepts),
		cmocka_unit_test(
		    the_deadline_holds_where_a_question_is_not_taken),
		cmocka_unit_test(signals_neither_end_nor_prolong_a_question),
		cmocka_unit_test(an_answer_of_any_other_length_is_none),
		cmocka_unit_test(an_answer_that_is_wrong_in_one_byte_is_none),
		cmocka_unit_test(hanging_up_is_no_answer),
		cmocka_unit_test(
		    as_root_another_user_in_roots_folder_gets_no_byte),
		cmocka_unit_test(
		    as_root_nobody_but_root_is_trusted_where_everybody_can_write),
		cmocka_unit_test(as_root_root_is_trusted_in_anybodys_folder),
		cmocka_unit_test(as_root_the_owner_of_the_folder_is_trusted),
		cmocka_unit_test(as_root_a_patd_is_spawned_where_none_runs),
		cmocka_unit_test(
		    as_root_nothing_of_the_host_gets_into_the_spawned_patd),
		cmocka_unit_test(
		    as_root_a_host_without_standard_descriptors_can_spawn),
		cmocka_unit_test(
		    as_root_a_spawned_patd_that_hangs_is_killed_at_the_deadline),
		cmocka_unit_test(
		    as_root_a_spawned_patd_that_fails_is_no_answer),
		cmocka_unit_test(no_patd_to_spawn_is_unreachable),
		cmocka_unit_test(as_root_no_host_hears_of_a_spawned_patd),
		cmocka_unit_test(as_root_nothing_is_spawned_for_other_users),
		cmocka_unit_test(a_thousand_questions_leak_no_descriptor),
		cmocka_unit_test(a_host_without_standard_descriptors_can_ask),
		cmocka_unit_test(a_host_with_thousands_of_descriptors_can_ask),
	};

	if (argc > 1 && strcmp(argv[1], "--one-shot") == 0)
		return one_shot(argc > 3 ? argv[3] : "");
	if (geteuid() != 0)
		leave_out("as_root_*", "not root");
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
