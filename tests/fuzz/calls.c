#include "config.h"

#include "tests/fuzz/calls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/wire/spawn.h"

enum {
	FIRST_FD = 10000,
	CALLS_MAX = 2000000, /* only a loop without end has more */
	OWNER = 1000,
	FOREIGN = 1001,
	PID = 4242,
	CLOCK_NS = 100000, /* that pass while somebody looks at the clock */
	NS_PER_MS = 1000000,
	NS_PER_S = 1000000000,
};

static _Thread_local struct calls *now; /* NULL: the system is the real one */
static _Thread_local unsigned int steps;

void
calls_begin(struct calls *calls)
{
	now = calls;
	steps = 0;
}

void
calls_end(void)
{
	now = NULL;
}

/* ---- faults ---- */

static const int reasons[] = { EINTR, EAGAIN, ENOMEM, EMFILE, ECONNREFUSED,
	ENOENT, EACCES, EPIPE, ECONNRESET, EIO, ENOTDIR, EINVAL };

static bool
is_fault(const char *fault, enum call call, unsigned int nth)
{
	size_t kind = (size_t)(unsigned char)fault[0] - 'a';
	unsigned int which = (unsigned char)fault[1] - (unsigned int)'0';
	size_t reason = (size_t)(unsigned char)fault[2] - 'a';

	if (kind != call || (which != 0 && which != nth))
		return false;
	errno = reasons[reason % (sizeof(reasons) / sizeof(reasons[0]))];
	return true;
}

bool
calls_fails(enum call call)
{
	unsigned int nth = ++now->count[call];

	FUZZ_ASSERT(++steps < CALLS_MAX);
	for (size_t i = 0; i + 2 < now->faults.len; i += 3)
		if (is_fault(now->faults.text + i, call, nth))
			return true;
	return false;
}

/* ---- the clock ---- */

FUZZ_WRAP(int, clock_gettime, clockid_t clock, struct timespec *at)
{
	if (now == NULL)
		return __real_clock_gettime(clock, at);
	FUZZ_ASSERT(++steps < CALLS_MAX);
	now->ns += CLOCK_NS;
	at->tv_sec = 1000000 + now->ns / NS_PER_S;
	at->tv_nsec = now->ns % NS_PER_S;
	return 0;
}

/* Whether patd has something to say, if only that it hangs up. */
static bool
has_answer(void)
{
	return now->asked &&
	       (now->answer.len == 0 || now->answer.text[0] != '-');
}

FUZZ_WRAP(int, poll, struct pollfd *fds, nfds_t len, int ms)
{
	if (now == NULL)
		return __real_poll(fds, len, ms);
	if (calls_fails(CALL_poll)) {
		now->ns += NS_PER_MS;
		return -1;
	}
	if (len == 1 && ((fds[0].events & POLLOUT) != 0 || has_answer())) {
		fds[0].revents = fds[0].events;
		return 1;
	}
	now->ns += (int64_t)ms * NS_PER_MS;
	return 0;
}

/* ---- who listens ---- */

static const struct peer {
	const char *name;
	uid_t uid, owner; /* of the folder that the socket lies in */
	mode_t mode;
	bool trusted;
} peers[] = {
	{ "root", 0, OWNER, 0777, true }, { "owner", OWNER, OWNER, 0755, true },
	{ "foreign", FOREIGN, OWNER, 0755, false },
	{ "anybody", OWNER, OWNER, 0777, false },
	{ "nobody", 0, 0, 0, false }, /* listens */
};

static const struct peer *
find_peer(void)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		if (strcmp(peers[i].name, now->peer.text) == 0)
			return &peers[i];
	return &peers[0];
}

FUZZ_WRAP(int, socket, int domain, int type, int protocol)
{
	if (now == NULL)
		return __real_socket(domain, type, protocol);
	if (calls_fails(CALL_socket))
		return -1;
	FUZZ_ASSERT(domain == AF_UNIX && (type & SOCK_CLOEXEC) != 0 &&
	            (type & SOCK_NONBLOCK) != 0);
	return FIRST_FD + now->open++;
}

FUZZ_WRAP(int, connect, int fd, const struct sockaddr *address, socklen_t len)
{
	if (now == NULL)
		return __real_connect(fd, address, len);
	if (calls_fails(CALL_connect))
		return -1;
	if (strcmp(find_peer()->name, "nobody") == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	now->connected = true;
	return 0;
}

FUZZ_WRAP(
    int, getsockopt, int fd, int level, int name, void *value, socklen_t *len)
{
	struct ucred *peer = value;

	if (now == NULL)
		return __real_getsockopt(fd, level, name, value, len);
	if (calls_fails(CALL_getsockopt))
		return -1;
	FUZZ_ASSERT(now->connected && name == SO_PEERCRED);
	*peer = (struct ucred){ .pid = PID, .uid = find_peer()->uid };
	now->trusted = peer->uid == 0;
	return 0;
}

FUZZ_WRAP(int, stat, const char *path, struct stat *st)
{
	const struct peer *peer;

	if (now == NULL)
		return __real_stat(path, st);
	if (calls_fails(CALL_stat))
		return -1;
	peer = find_peer();
	memset(st, 0, sizeof(*st));
	st->st_uid = peer->owner;
	st->st_mode = S_IFDIR | peer->mode;
	now->trusted = peer->trusted;
	return 0;
}

FUZZ_WRAP(int, close, int fd)
{
	if (now == NULL || fd < FIRST_FD)
		return __real_close(fd);
	now->open--;
	FUZZ_ASSERT(now->open >= 0);
	return 0;
}

/* ---- a patd for one question ---- */

FUZZ_WRAP(uid_t, geteuid, void)
{
	if (now == NULL)
		return __real_geteuid();
	return calls_fails(CALL_geteuid) ? OWNER : 0;
}

FUZZ_WRAP(int, socketpair, int domain, int type, int protocol, int pair[2])
{
	if (now == NULL)
		return __real_socketpair(domain, type, protocol, pair);
	if (calls_fails(CALL_socketpair))
		return -1;
	pair[0] = FIRST_FD + now->open++;
	pair[1] = FIRST_FD + now->open++;
	now->connected = true;
	return 0;
}

FUZZ_WRAP(int, jp_spawn, const char *path, const char *config, int fd,
    int64_t deadline_ms, pid_t *pid)
{
	(void)path;
	(void)config;
	(void)fd;
	(void)deadline_ms;
	if (calls_fails(CALL_spawn))
		return errno;
	now->trusted = true; /* it is ours */
	*pid = PID;
	return 0;
}

FUZZ_WRAP(int, jp_spawn_end, pid_t pid, int64_t deadline_ms)
{
	(void)deadline_ms;
	FUZZ_ASSERT(pid == PID);
	return calls_fails(CALL_spawn_end) ? errno : 0;
}

/* ---- patd ---- */

FUZZ_WRAP(ssize_t, send, int fd, const void *bytes, size_t len, int flags)
{
	if (now == NULL)
		return __real_send(fd, bytes, len, flags);
	if (calls_fails(CALL_send))
		return -1;
	FUZZ_ASSERT(now->connected && now->trusted && !now->asked);
	FUZZ_ASSERT((flags & MSG_NOSIGNAL) != 0);
	FUZZ_ASSERT(jp_request_decode(&now->request, bytes, len) == JP_ERR_OK);
	now->asked = true;
	return (ssize_t)len;
}

enum { ROOM = 4096 };

/*
 * The answer is one of
 *
 *     v VERDICT TWEAK USER    VERDICT is a digit; USER "=" is the one who was
 *                             asked for; TWEAK is `.`, or what is wrong
 *     r BYTES                 just these
 *     -                       none, and the connection stays
 *
 * without blanks; all else hangs up.
 */
static void
tweak(char how, struct jp_reply *reply)
{
	reply->seq = now->request.seq + (how == 's');
	if (how != 'd')
		return;
	reply->detailed = true;
	if (reply->verdict == JP_ACCEPT)
		(void)strcpy(reply->id, "D4oBwk0S");
}

static size_t
spoil(char how, uint8_t bytes[ROOM], size_t len)
{
	bytes[len] = 0;
	if (how == 'p')
		bytes[len - 1] = 1;
	if (how == 'm')
		bytes[0] ^= 1;
	return len + (how == 'l') - (how == 't');
}

static size_t
make_reply(const struct script_text *answer, uint8_t bytes[ROOM])
{
	const char *user = answer->text + 3;
	struct jp_reply reply = { .verdict = (enum jp_verdict)(
		                      (unsigned char)answer->text[1] - '0') };
	size_t len;

	(void)snprintf(reply.user, sizeof(reply.user), "%s",
	    strcmp(user, "=") == 0 ? now->request.user : user);
	tweak(answer->text[2], &reply);
	jp_reply_encode(&reply, bytes, &len);
	return spoil(answer->text[2], bytes, len);
}

static size_t
make_answer(uint8_t bytes[ROOM])
{
	const struct script_text *answer = &now->answer;
	size_t len = answer->len > 1 ? answer->len - 1 : 0;

	if (answer->len > 2 && answer->text[0] == 'v')
		return make_reply(answer, bytes);
	if (len == 0 || answer->text[0] != 'r')
		return 0;
	len = len < ROOM ? len : ROOM;
	memcpy(bytes, answer->text + 1, len);
	return len;
}

/*
 * Whether that is the whole answer `verdict` to what was asked, and no other;
 * where nobody was named it may name anybody.
 */
static bool
is_answer(enum jp_verdict verdict, const uint8_t *bytes, size_t len)
{
	struct jp_reply reply = { .verdict = verdict, .seq = now->request.seq };
	uint8_t wanted[JP_REPLY_MAX];
	size_t wanted_len;

	memcpy(reply.user, now->request.user, sizeof(reply.user));
	if (reply.user[0] == '\0') /* behind magic, verdict, seq, and length */
		(void)snprintf(reply.user, sizeof(reply.user), "%s",
		    (const char *)bytes + 11);
	(void)snprintf(now->user, sizeof(now->user), "%s", reply.user);
	jp_reply_encode(&reply, wanted, &wanted_len);
	return len == wanted_len && memcmp(wanted, bytes, len) == 0 &&
	       reply.user[0] != '\0';
}

FUZZ_WRAP(ssize_t, recv, int fd, void *room, size_t size, int flags)
{
	uint8_t bytes[ROOM + 1] = { 0 };
	size_t len;

	if (now == NULL)
		return __real_recv(fd, room, size, flags);
	if (calls_fails(CALL_recv))
		return -1;
	FUZZ_ASSERT(now->asked);
	len = make_answer(bytes);
	now->said_yes =
	    is_answer(JP_ACCEPT, bytes, len) && !now->request.account;
	now->said_may = is_answer(JP_MAY, bytes, len) && now->request.account;
	memcpy(room, bytes, len < size ? len : size);
	return (ssize_t)((flags & MSG_TRUNC) != 0 || len < size ? len : size);
}

/* ---- memory ---- */

FUZZ_WRAP(char *, strdup, const char *text)
{
	if (now != NULL && calls_fails(CALL_strdup))
		return NULL;
	return __real_strdup(text);
}
