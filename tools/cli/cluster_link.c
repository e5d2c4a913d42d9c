#include "tools/cli/cluster_link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cluster/holder.h"
#include "common/sys/socket_io.h"
#include "common/wire/client.h"
#include "config.h"

enum {
	CONNECT_MS = 30000,  /* until there is a database */
	SILENCE_MS = 900000, /* of one: it may copy much, or wait for a lease */
	END_MS = 10000,      /* for the program to end */
};

/* ---- the program ---- */

static char *
unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

static int
spawn(const char *program, const char *config, int fd, pid_t *pid)
{
	char *const argv[] = { unconst(program), unconst("--setup"),
		config != NULL ? unconst("--config") : NULL, unconst(config),
		NULL };
	char *const envp[] = { unconst("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
		NULL };
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	/* What it prints is for people, never for whoever reads our output. */
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(
		    &actions, STDERR_FILENO, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(
		    &actions, STDERR_FILENO + 1);
	if (rc == 0)
		rc = posix_spawn(pid, program, &actions, NULL, argv, envp);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static enum jp_err
start(struct cluster_link *link, const char *program, const char *config,
    struct jp_why *why)
{
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot make a pair of sockets: %s", strerror(errno));
	rc = spawn(program, config, fds[1], &link->pid);
	(void)close(fds[1]);
	link->fd = fds[0];
	if (rc == ENOENT)
		return jp_why(why, JP_ERR_MISSING,
		    "there is no %s: install pat-clusterd, or name it with "
		    "--clusterd",
		    program);
	if (rc != 0)
		return jp_why(why, jp_err_from_errno(rc), "cannot run %s: %s",
		    program, strerror(rc));
	return JP_ERR_OK;
}

void
cluster_link_hello(const struct context *context,
    const struct jp_position *position, struct jp_link_msg *msg)
{
	const struct jp_cluster_settings *settings = &context->settings.cluster;
	struct jp_link_hello *hello = &msg->hello;

	*msg = (struct jp_link_msg){ .kind = JP_LINK_HELLO };
	hello->version = JP_LINK_VERSION;
	hello->lease_ms = (uint32_t)settings->lease * 1000;
	(void)snprintf(hello->node, sizeof(hello->node), "%s", settings->node);
	(void)snprintf(
	    hello->release, sizeof(hello->release), "%s", PACKAGE_VERSION);
	if (position == NULL)
		return;
	hello->applied = position->seq;
	jp_holder_make(hello->holder, context->settings.store_dir);
	memcpy(hello->cluster, position->cluster, sizeof(hello->cluster));
	memcpy(hello->mac, position->mac, sizeof(hello->mac));
}

/* No host can have this name. */
void
cluster_link_as_nobody(struct jp_link_msg *hello)
{
	(void)snprintf(
	    hello->hello.node, sizeof(hello->hello.node), ".joining");
}

bool
cluster_link_is_forgotten(const struct cluster_link *link)
{
	return link->state.err == JP_ERR_NOT_FOUND;
}

enum jp_err
cluster_link_open(struct cluster_link *link, const struct context *context,
    const char *program, const struct jp_link_msg *hello, struct jp_why *why)
{
	enum jp_err err;

	memset(link, 0, sizeof(*link));
	link->fd = -1;
	link->pid = -1;
	jp_link_reader_init(&link->reader, JP_LINK_SIDE_LINK);
	err = start(link, program != NULL ? program : JP_CLUSTERD,
	    context->config, why);
	link->deadline_ms = jp_now_ms() + CONNECT_MS;
	return err == JP_ERR_OK ? cluster_link_send(link, hello, NULL, why)
	                        : err;
}

void
cluster_link_hurry(struct cluster_link *link)
{
	link->connected = false;
	link->deadline_ms = jp_now_ms() + CONNECT_MS;
}

/*
 * Only root may end it, which may act as the owner of the store now: that stays
 * so for all but this thread. False if it goes on.
 */
static bool
end(pid_t pid)
{
	const uid_t acts_as = geteuid();
	bool ended;

	(void)syscall(SYS_setresuid, -1, getuid(), -1);
	ended = kill(pid, SIGKILL) == 0;
	if (syscall(SYS_setresuid, -1, acts_as, -1) != 0)
		_exit(STATUS_UNAVAILABLE);
	return ended;
}

/* It ends at the end of its input; one that does not is ended. Its status. */
static int
reap(struct cluster_link *link)
{
	const bool told = shutdown(link->fd, SHUT_RDWR) == 0;
	int64_t deadline_ms = jp_now_ms() + (told ? END_MS : 0);
	pid_t got = -1;
	int status = 0;

	while (link->pid > 0 &&
	       (got = waitpid(link->pid, &status, WNOHANG)) == 0 &&
	       jp_pause(deadline_ms))
		continue;
	if (got == 0 && end(link->pid))
		while (waitpid(link->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	link->pid = -1;
	return status;
}

void
cluster_link_close(struct cluster_link *link)
{
	(void)reap(link);
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
	jp_link_reader_free(&link->reader);
}

/* ---- messages ---- */

static enum jp_err
ended(struct cluster_link *link, struct jp_why *why)
{
	int status = reap(link);

	if (WIFSIGNALED(status))
		return jp_why(why, JP_ERR_UNREACHABLE,
		    "pat-clusterd was killed by signal %d", WTERMSIG(status));
	return jp_why(why, JP_ERR_UNREACHABLE,
	    "pat-clusterd has ended: what it said stands above");
}

static enum jp_err
put(void *arg, const uint8_t *bytes, size_t len)
{
	const struct cluster_link *link = arg;

	return jp_send(link->fd, bytes, len, 0) == (ssize_t)len
	           ? JP_ERR_OK
	           : jp_err_from_errno(errno);
}

enum jp_err
cluster_link_send(struct cluster_link *link, const struct jp_link_msg *msg,
    const uint8_t *bytes, struct jp_why *why)
{
	enum jp_err err = jp_link_send(msg, bytes, put, link);

	if (err == JP_ERR_UNREACHABLE)
		return ended(link, why);
	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, err, "cannot ask pat-clusterd: %s",
	                 jp_err_text(err));
}

/* What everybody wants to know is kept. */
static enum jp_err
keep(struct cluster_link *link, struct jp_why *why)
{
	const struct jp_link_msg *msg = &link->reader.msg;

	link->deadline_ms = jp_now_ms() + SILENCE_MS;
	if (msg->kind == JP_LINK_STATE) {
		link->state = msg->state;
		if (msg->state.state == JP_LINK_REFUSED)
			return jp_why(why, JP_ERR_CONFIG, "the database: %s",
			    msg->state.text);
		link->connected |= msg->state.state == JP_LINK_CONNECTED;
	} else if (msg->kind == JP_LINK_WELCOME) {
		link->welcome = msg->welcome;
		link->welcomed = true;
	} else if (msg->kind == JP_LINK_NODES) {
		link->nodes = msg->nodes;
		link->has_nodes = true;
	}
	return JP_ERR_OK;
}

static enum jp_err
silent(const struct cluster_link *link, struct jp_why *why)
{
	if (link->connected)
		return jp_why(why, JP_ERR_TIMEOUT,
		    "pat-clusterd does not answer: see its log");
	return jp_why(why, JP_ERR_UNREACHABLE, "cannot reach the database%s%s",
	    link->state.text[0] != '\0' ? ": " : "", link->state.text);
}

/* One message of the socket. */
static enum jp_err
receive(struct cluster_link *link, struct jp_why *why)
{
	uint8_t bytes[JP_LINK_MSG_MAX];
	enum jp_err err = jp_wait_fd(link->fd, POLLIN, link->deadline_ms);
	ssize_t got;

	if (err == JP_ERR_TIMEOUT)
		return silent(link, why);
	if (err != JP_ERR_OK)
		return ended(link, why);
	got = jp_recv(link->fd, bytes, sizeof(bytes), MSG_TRUNC);
	if (got <= 0)
		return ended(link, why);
	err = (size_t)got > sizeof(bytes)
	          ? JP_ERR_TOO_LONG
	          : jp_link_reader_feed(&link->reader, bytes, (size_t)got);
	explicit_bzero(bytes, sizeof(bytes));
	if (err != JP_ERR_OK && err != JP_ERR_BUSY)
		return jp_why(why, err,
		    "the answer of pat-clusterd: %s: is it of another version?",
		    jp_err_text(err));
	return err;
}

enum jp_err
cluster_link_next(struct cluster_link *link, struct jp_why *why)
{
	enum jp_err err;
	int64_t since_ms = link->deadline_ms;

	do
		err = receive(link, why);
	while (err == JP_ERR_BUSY);
	if (err == JP_ERR_OK)
		err = keep(link, why);
	/* That it tries again and again is no sign of life of a database. */
	if (!link->connected)
		link->deadline_ms = since_ms;
	return err;
}

static enum jp_err
done(const struct jp_link_done *done, struct jp_why *why)
{
	return done->err == JP_ERR_OK
	           ? JP_ERR_OK
	           : jp_why(why, done->err, "the database: %s",
	                 done->text[0] != '\0' ? done->text
	                                       : jp_err_text(done->err));
}

enum jp_err
cluster_link_ask(struct cluster_link *link, struct jp_link_msg *msg,
    const uint8_t *bytes, cluster_link_take take, void *arg, struct jp_why *why)
{
	const struct jp_link_msg *got = &link->reader.msg;
	enum jp_err err;

	msg->request.req = ++link->req;
	err = cluster_link_send(link, msg, bytes, why);
	if (err == JP_ERR_UNREACHABLE)
		return ended(link, why);
	while (err == JP_ERR_OK) {
		err = cluster_link_next(link, why);
		if (err != JP_ERR_OK)
			break;
		if (got->kind == JP_LINK_DONE && got->done.req == link->req)
			return done(&got->done, why);
		if (take != NULL)
			err = take(arg, got, link->reader.bytes, why);
	}
	return err;
}
