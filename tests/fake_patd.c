#include "config.h"

#include "tests/fake_patd.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake_patd {
	pthread_t thread;
	struct sockaddr_un addr;
	int fd;
	fake_answer answer;
	void *arg;
	pthread_mutex_t serving; /* held while a connection is served */
};

static int
bind_at(const char *path, struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (fd < 0 || jp_field_set(addr->sun_path, sizeof(addr->sun_path),
	                  path) != JP_ERR_OK)
		abort();
	(void)unlink(path);
	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
		abort();
	return fd;
}

static void
wait_for_hangup(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, 1, 0) > 0)
		continue;
}

static void
serve(const struct fake_patd *fake, int fd)
{
	uint8_t bytes[FAKE_MESSAGE_MAX];
	struct jp_request request;
	ssize_t len;
	int out;

	if (fake->answer == NULL)
		return;
	len = recv(fd, bytes, sizeof(bytes), 0);
	if (len <= 0 ||
	    jp_request_decode(&request, bytes, (size_t)len) != JP_ERR_OK)
		return;
	out = fake->answer(fake->arg, &request, bytes);
	if (out >= 0)
		(void)send(fd, bytes, (size_t)out, MSG_NOSIGNAL);
	if (out == FAKE_SILENT)
		wait_for_hangup(fd);
}

static void *
serve_all(void *arg)
{
	struct fake_patd *fake = arg;
	int fd;

	while ((fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		(void)pthread_mutex_lock(&fake->serving);
		serve(fake, fd);
		(void)close(fd);
		(void)pthread_mutex_unlock(&fake->serving);
	}
	return NULL;
}

/* Signals are for those who ask: they would end its waiting. */
static int
start_thread(struct fake_patd *fake)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&fake->thread, NULL, serve_all, fake);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

struct fake_patd *
fake_patd_start(const char *path, fake_answer answer, void *arg)
{
	struct fake_patd *fake = calloc(1, sizeof(*fake));

	if (fake == NULL)
		abort();
	fake->fd = bind_at(path, &fake->addr);
	fake->answer = answer;
	fake->arg = arg;
	(void)pthread_mutex_init(&fake->serving, NULL);
	if (listen(fake->fd, 64) != 0 || start_thread(fake) != 0)
		abort();
	return fake;
}

void
fake_patd_stop(struct fake_patd *fake)
{
	(void)shutdown(fake->fd, SHUT_RDWR); /* ends its accept() */
	(void)pthread_join(fake->thread, NULL);
	(void)close(fake->fd);
	(void)unlink(fake->addr.sun_path);
	(void)pthread_mutex_destroy(&fake->serving);
	free(fake);
}

void
fake_patd_settle(struct fake_patd *fake)
{
	(void)pthread_mutex_lock(&fake->serving);
	(void)pthread_mutex_unlock(&fake->serving);
}

int
fake_reply(const struct jp_request *request, enum jp_verdict verdict,
    const char *user, uint8_t *bytes)
{
	struct jp_reply reply = { .verdict = verdict, .seq = request->seq };
	size_t len;

	(void)jp_field_set(reply.user, sizeof(reply.user), user);
	jp_reply_encode(&reply, bytes, &len);
	return (int)len;
}

enum { FOREIGN_NOBODY = 255, FOREIGN_BYTES_MAX = 254 };

static void __attribute__((noreturn)) be_foreign(int fd, int ready, uid_t uid)
{
	uint8_t bytes[FOREIGN_BYTES_MAX];
	ssize_t len;

	(void)alarm(10);
	/* SO_PEERCRED is that of the listen(), so it comes after setuid(). */
	if (setuid(uid) != 0 || listen(fd, 1) != 0 || write(ready, "", 1) != 1)
		_exit(FOREIGN_NOBODY);
	(void)close(ready);
	fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		_exit(FOREIGN_NOBODY);
	len = recv(fd, bytes, sizeof(bytes), 0);
	_exit(len < 0 ? 0 : (int)len);
}

pid_t
fake_foreign_start(const char *path, uid_t uid)
{
	struct sockaddr_un addr;
	int fd = bind_at(path, &addr);
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready) != 0)
		abort();
	pid = fork();
	if (pid == 0)
		be_foreign(fd, ready[1], uid);
	(void)close(fd);
	(void)close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1)
		abort();
	(void)close(ready[0]);
	return pid;
}

int
fake_foreign_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == FOREIGN_NOBODY)
		return -1;
	return WEXITSTATUS(status);
}

int
fake_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}
