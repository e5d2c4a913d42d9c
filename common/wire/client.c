/*
 * One request to patd: connect, check who listens, send, receive, all before
 * one deadline; if no patd runs, one is spawned for the request. What the reply
 * means to PAM or SASL is not decided here.
 */
#include "config.h"

#include "common/wire/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/wire/spawn.h"

/* Whether `uid` owns the directory that holds `path`, and not all may write. */
static bool
owns_parent(uid_t uid, const char *path)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat parent;
	char *slash;

	(void)stpcpy(name, path);
	slash = strrchr(name, '/');
	if (slash != NULL)
		slash[slash == name ? 1 : 0] = '\0';
	return stat(slash != NULL ? name : ".", &parent) == 0 &&
	       parent.st_uid == uid && (parent.st_mode & S_IWOTH) == 0;
}

/*
 * SO_PEERCRED names who called listen(). Only root, or the owner of a
 * directory that is not world-writable, may see a token: otherwise whoever is
 * first to bind the path collects them (CVE-2018-10852's class). Root could
 * read the token from this process: the directory says no more about it.
 */
static enum jp_err
check_peer(int fd, const char *path)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return JP_ERR_PEER;
	return peer.uid == 0 || owns_parent(peer.uid, path) ? JP_ERR_OK
	                                                    : JP_ERR_PEER;
}

static enum jp_err
connect_until(int fd, const struct sockaddr_un *addr, int64_t deadline_ms)
{
	while (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0) {
		switch (errno) {
		case ENOENT:
		case ENOTDIR:
		case ECONNREFUSED:
			return JP_ERR_UNREACHABLE;
		case EINTR:
		case EAGAIN: /* its backlog is full: poll(2) cannot wait */
			break;
		default:
			return jp_err_from_errno(errno);
		}
		if (!jp_pause(deadline_ms))
			return JP_ERR_TIMEOUT;
	}
	return JP_ERR_OK;
}

enum jp_err
jp_client_connect(const char *path, int64_t deadline_ms, int *fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	enum jp_err err;

	*fd = -1;
	if (path[0] == '\0') /* an abstract name: anyone could bind it */
		return JP_ERR_UNREACHABLE;
	err = jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	if (err != JP_ERR_OK)
		return err;
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return jp_err_from_errno(errno);
	err = connect_until(*fd, &addr, deadline_ms);
	if (err == JP_ERR_OK)
		err = check_peer(*fd, addr.sun_path);
	if (err != JP_ERR_OK) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}

/*
 * What a send or recv that failed means; JP_ERR_OK: again, when the socket is
 * ready. A listener that hangs up did not reply.
 */
static enum jp_err
io_failure(void)
{
	switch (errno) {
	case EINTR:
	case EAGAIN:
		return JP_ERR_OK;
	case EPIPE:
	case ECONNRESET:
		return JP_ERR_PROTOCOL;
	default:
		return jp_err_from_errno(errno);
	}
}

/* An encoded request; its maker wipes it. */
struct question {
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;
	uint32_t seq;
	bool detailed;
};

static enum jp_err
send_question(int fd, const struct question *question, int64_t deadline_ms)
{
	/* MSG_NOSIGNAL: the SIGPIPE disposition is the host's. */
	while (send(fd, question->bytes, question->len,
	           MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		enum jp_err err = io_failure();

		if (err == JP_ERR_OK)
			err = jp_wait_fd(fd, POLLOUT, deadline_ms);
		if (err != JP_ERR_OK)
			return err;
	}
	return JP_ERR_OK;
}

/*
 * Waits before it reads: Linux says that the connection has ended if the
 * message comes, and the sender closes, while a recv(2) that does not wait
 * still looks into the empty queue. `len` is that of the whole message.
 */
static enum jp_err
receive(int fd, uint8_t bytes[JP_REPLY_MAX], ssize_t *len, int64_t deadline_ms)
{
	enum jp_err err;

	do {
		err = jp_wait_fd(fd, POLLIN, deadline_ms);
		if (err != JP_ERR_OK)
			return err;
		*len = recv(fd, bytes, JP_REPLY_MAX, MSG_TRUNC | MSG_DONTWAIT);
		if (*len >= 0)
			return JP_ERR_OK;
		err = io_failure();
	} while (err == JP_ERR_OK);
	return err;
}

static enum jp_err
receive_reply(int fd, const struct question *question, struct jp_reply *reply,
    int64_t deadline_ms)
{
	uint8_t bytes[JP_REPLY_MAX];
	ssize_t len;
	enum jp_err err = receive(fd, bytes, &len, deadline_ms);

	if (err != JP_ERR_OK)
		return err;
	if (len == 0 && jp_has_come(deadline_ms)) /* it was killed for that */
		return JP_ERR_TIMEOUT;
	err = jp_reply_decode(reply, bytes, (size_t)len);
	explicit_bzero(bytes, sizeof(bytes)); /* what is behind it, perhaps */
	if (err != JP_ERR_OK || reply->detailed != question->detailed ||
	    reply->seq != question->seq)
		return JP_ERR_PROTOCOL;
	return JP_ERR_OK;
}

static enum jp_err
ask_on(int fd, const struct question *question, struct jp_reply *reply,
    int64_t deadline_ms)
{
	enum jp_err err = send_question(fd, question, deadline_ms);

	if (err == JP_ERR_OK)
		err = receive_reply(fd, question, reply, deadline_ms);
	return err;
}

static enum jp_err
ask_one_shot(const struct jp_client *client, const struct question *question,
    struct jp_reply *reply, int64_t deadline_ms)
{
	int pair[2];
	pid_t pid;
	int rc;
	enum jp_err err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return jp_err_from_errno(errno);
	rc = jp_spawn(client->one_shot_path, client->config_path, pair[1],
	    deadline_ms, &pid);
	(void)close(pair[1]);
	err = rc == 0 ? ask_on(pair[0], question, reply, deadline_ms)
	              : jp_err_from_errno(rc);
	(void)close(pair[0]); /* patd exits when it sees this */
	if (rc != 0)
		return err;
	rc = jp_spawn_end(pid, deadline_ms);
	return rc == ENOENT || rc == ENOTDIR ? JP_ERR_UNREACHABLE
	       : rc != 0                     ? jp_err_from_errno(rc)
	                                     : err;
}

/* Differs from request to request; it is not secret. */
static uint32_t
new_seq(void)
{
	int64_t now = jp_now_ns();

	return (uint32_t)now ^ (uint32_t)(now >> 32);
}

static enum jp_err
ask(const struct jp_client *client, const struct question *question,
    struct jp_reply *reply, int64_t deadline_ms)
{
	int fd;
	enum jp_err err =
	    jp_client_connect(client->socket_path, deadline_ms, &fd);

	if (err == JP_ERR_OK) {
		err = ask_on(fd, question, reply, deadline_ms);
		(void)close(fd);
	} else if (err == JP_ERR_UNREACHABLE && client->one_shot_path != NULL &&
	           geteuid() == 0) {
		err = ask_one_shot(client, question, reply, deadline_ms);
	}
	return err;
}

enum jp_err
jp_client_ask(const struct jp_client *client, struct jp_request *request,
    struct jp_reply *reply)
{
	int64_t deadline_ms = jp_now_ms() + client->timeout_ms;
	struct question question;
	enum jp_err err;

	question.seq = request->seq = new_seq();
	question.detailed = request->detailed;
	request->last = true;
	err = jp_request_encode(request, question.bytes, &question.len);
	if (err == JP_ERR_OK)
		err = ask(client, &question, reply, deadline_ms);
	explicit_bzero(&question, sizeof(question));
	if (err != JP_ERR_OK)
		*reply = (struct jp_reply){ .verdict = JP_UNAVAILABLE };
	return err;
}
