/*
 * Calls that fail, for LD_PRELOAD: the n-th of a class, or all from the n-th
 * on, as the file of NTH_ENV says (nth_call.h). Counts who calls what.
 */
#undef _FORTIFY_SOURCE /* the checked names are functions of their own here */

#include "tests/faults/nth_call.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum { STREAM_ERROR = 0x20 }; /* glibc's _IO_ERR_SEEN */

static atomic_ullong *words; /* NULL: nothing ever fails */

/* A call for an account is under way in this thread: what glibc's name service
 * does without memory is its own affair, and it may crash. */
static _Thread_local bool naming;

/* ---- who calls ---- */

static enum nth_caller
caller_named(const char *path)
{
	static const char *const parts[] = {
#define PART(code, part) part,
		NTH_CALLER_LIST(PART)
#undef PART
	};
	const char *name = strrchr(path, '/');

	if (*path == '\0')
		return NTH_BY_PROGRAM;
	name = name != NULL ? name + 1 : path;
	for (int i = 0; i < NTH_BY_OTHER; i++)
		if (strstr(name, parts[i]) != NULL)
			return (enum nth_caller)i;
	return NTH_BY_OTHER;
}

static enum nth_caller
caller_at(void *code)
{
	struct dl_find_object found;

	if (_dl_find_object(code, &found) != 0)
		return NTH_BY_OTHER;
	return caller_named(found.dlfo_link_map->l_name);
}

/* ---- the plan ---- */

/* What libseccomp did not get it frees a second time. For mutexes, which the C
 * library cannot fail to make, Berkeley DB asks without end. */
static bool
is_spared(enum nth_class class, enum nth_caller caller)
{
	return (class == NTH_MEMORY && caller == NTH_BY_SECCOMP) ||
	       (class == NTH_THREAD && caller == NTH_BY_DB);
}

/* The errno with which this call fails; 0: it is cut short; -1: it is not. */
static int
planned(enum nth_class class, void *code)
{
	enum nth_caller caller;
	unsigned long long by, nth;
	size_t row;

	if (words == NULL || !words[NTH_ARMED] ||
	    (naming && class == NTH_MEMORY))
		return -1;
	caller = caller_at(code);
	if (is_spared(class, caller))
		return -1;
	row = (size_t) class * NTH_CALLERS + caller;
	words[NTH_CALLS + row]++;
	by = words[NTH_BY];
	if (words[NTH_CLASS] != class || (by != 0 && !(by >> caller & 1)))
		return -1;
	nth = ++words[NTH_COUNT];
	if (nth < words[NTH_FIRST] || nth > words[NTH_LAST])
		return -1;
	words[NTH_FAILED]++;
	words[NTH_FAILURES + row]++;
	return (int)words[NTH_ERROR];
}

/* The same of a call that a signal may interrupt. */
static int
planned_slow(enum nth_class class, void *code)
{
	int error = planned(class, code);

	return error >= 0 ? error : planned(NTH_SIGNAL, code);
}

/*
 * A message, or the number of an eventfd(2), is whole or not there; a stream or
 * a file may be cut anywhere.
 */
static bool
can_be_cut(int fd)
{
	int type = 0, before = errno;
	socklen_t size = sizeof(type);
	struct stat what = { .st_mode = 0 };

	(void)fstat(fd, &what);
	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	errno = before;
	return S_ISSOCK(what.st_mode) ? type == SOCK_STREAM
	                              : S_ISREG(what.st_mode);
}

static size_t
cut(int fd, size_t len)
{
	return len > 1 && can_be_cut(fd) ? len / 2 : len;
}

/* ---- the calls ---- */

/* NULL where it does not exist: then nobody calls it. */
static void *
next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

#define REAL(result, name, params)                                             \
	static result(*real) params;                                           \
	if (real == NULL)                                                      \
	*(void **)&real = next(#name)

/* A call that says `bad` when it fails, with the errno `error`. */
#define CALL_BY(plan, class, result, bad, name, params, args)                  \
	EXPORTED result name params;                                           \
	EXPORTED result name params                                            \
	{                                                                      \
		int error = plan(NTH_##class, __builtin_return_address(0));    \
		REAL(result, name, params);                                    \
		if (error > 0) {                                               \
			errno = error;                                         \
			return bad;                                            \
		}                                                              \
		return real args;                                              \
	}

#define CALL(...) CALL_BY(planned, __VA_ARGS__)

/* One for an account. */
#define NAMES(result, bad, name, params, args)                                 \
	EXPORTED result name params;                                           \
	EXPORTED result name params                                            \
	{                                                                      \
		int error = planned(NTH_ACCOUNT, __builtin_return_address(0)); \
		result outcome;                                                \
		REAL(result, name, params);                                    \
		if (error > 0) {                                               \
			errno = error;                                         \
			return bad;                                            \
		}                                                              \
		naming = true;                                                 \
		outcome = real args;                                           \
		naming = false;                                                \
		return outcome;                                                \
	}

#define SLOW(...) CALL_BY(planned_slow, __VA_ARGS__)

/* One of `len` bytes of `fd`, which may also move fewer. */
#define MOVES(class, name, params, args)                                       \
	EXPORTED ssize_t name params;                                          \
	EXPORTED ssize_t name params                                           \
	{                                                                      \
		int error =                                                    \
		    planned_slow(NTH_##class, __builtin_return_address(0));    \
		REAL(ssize_t, name, params);                                   \
		if (error > 0) {                                               \
			errno = error;                                         \
			return -1;                                             \
		}                                                              \
		if (error == 0)                                                \
			len = cut(fd, len);                                    \
		return real args;                                              \
	}

/* One of a stream, which remembers it: ferror(3). */
#define STREAM(class, result, bad, name, params, args)                         \
	EXPORTED result name params;                                           \
	EXPORTED result name params                                            \
	{                                                                      \
		int error = planned(NTH_##class, __builtin_return_address(0)); \
		REAL(result, name, params);                                    \
		if (error > 0) {                                               \
			file->_flags |= STREAM_ERROR;                          \
			errno = error;                                         \
			return bad;                                            \
		}                                                              \
		return real args;                                              \
	}

/* clang-format off */
CALL(MAP, void *, MAP_FAILED, mmap, (void *at, size_t len, int prot, int flags,
    int fd, off_t offset), (at, len, prot, flags, fd, offset))
CALL(MAP, void *, MAP_FAILED, mmap64, (void *at, size_t len, int prot,
    int flags, int fd, off64_t offset), (at, len, prot, flags, fd, offset))
CALL(MAP, int, -1, mprotect, (void *at, size_t len, int prot), (at, len, prot))
CALL(MAP, int, -1, mlock, (const void *at, size_t len), (at, len))
CALL(MAP, int, -1, mlock2, (const void *at, size_t len, unsigned int flags),
    (at, len, flags))
CALL(MAP, int, -1, madvise, (void *at, size_t len, int advice),
    (at, len, advice))

CALL(OPEN, FILE *, NULL, fopen, (const char *path, const char *mode),
    (path, mode))
CALL(OPEN, FILE *, NULL, fopen64, (const char *path, const char *mode),
    (path, mode))
CALL(OPEN, FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode))
CALL(OPEN, FILE *, NULL, open_memstream, (char **text, size_t *len),
    (text, len))
CALL(OPEN, DIR *, NULL, opendir, (const char *path), (path))
CALL(OPEN, DIR *, NULL, fdopendir, (int fd), (fd))
CALL(OPEN, int, -1, __open_2, (const char *path, int flags), (path, flags))
CALL(OPEN, int, -1, __openat_2, (int dir, const char *path, int flags),
    (dir, path, flags))
CALL(OPEN, int, -1, dup, (int fd), (fd))
CALL(OPEN, int, -1, dup2, (int fd, int other), (fd, other))
CALL(OPEN, int, -1, pipe, (int pair[2]), (pair))
CALL(OPEN, int, -1, pipe2, (int pair[2], int flags), (pair, flags))
CALL(OPEN, int, -1, eventfd, (unsigned int start, int flags), (start, flags))
CALL(OPEN, int, -1, signalfd, (int fd, const sigset_t *set, int flags),
    (fd, set, flags))
CALL(OPEN, int, -1, epoll_create1, (int flags), (flags))

MOVES(READ, read, (int fd, void *buf, size_t len), (fd, buf, len))
MOVES(READ, __read_chk, (int fd, void *buf, size_t len, size_t size),
    (fd, buf, len, size))
MOVES(READ, pread, (int fd, void *buf, size_t len, off_t at),
    (fd, buf, len, at))
MOVES(READ, pread64, (int fd, void *buf, size_t len, off64_t at),
    (fd, buf, len, at))
MOVES(READ, __pread_chk, (int fd, void *buf, size_t len, off_t at,
    size_t size), (fd, buf, len, at, size))
MOVES(READ, recv, (int fd, void *buf, size_t len, int flags),
    (fd, buf, len, flags))
MOVES(READ, __recv_chk, (int fd, void *buf, size_t len, size_t size,
    int flags), (fd, buf, len, size, flags))
SLOW(READ, ssize_t, -1, readv, (int fd, const struct iovec *parts, int count),
    (fd, parts, count))
SLOW(READ, ssize_t, -1, recvmsg, (int fd, struct msghdr *msg, int flags),
    (fd, msg, flags))
SLOW(READ, int, -1, recvmmsg, (int fd, struct mmsghdr *msgs, unsigned int count,
    int flags, struct timespec *limit), (fd, msgs, count, flags, limit))
CALL(READ, ssize_t, -1, readlink, (const char *path, char *buf, size_t len),
    (path, buf, len))
CALL(READ, struct dirent *, NULL, readdir, (DIR *dir), (dir))
STREAM(READ, char *, NULL, fgets, (char *line, int size, FILE *file),
    (line, size, file))
STREAM(READ, int, EOF, getc, (FILE *file), (file))
STREAM(READ, size_t, 0, fread, (void *buf, size_t size, size_t count,
    FILE *file), (buf, size, count, file))
STREAM(READ, ssize_t, -1, __getdelim, (char **line, size_t *size, int end,
    FILE *file), (line, size, end, file))
STREAM(READ, ssize_t, -1, getline, (char **line, size_t *size, FILE *file),
    (line, size, file))

MOVES(WRITE, write, (int fd, const void *buf, size_t len), (fd, buf, len))
MOVES(WRITE, pwrite, (int fd, const void *buf, size_t len, off_t at),
    (fd, buf, len, at))
MOVES(WRITE, pwrite64, (int fd, const void *buf, size_t len, off64_t at),
    (fd, buf, len, at))
MOVES(WRITE, send, (int fd, const void *buf, size_t len, int flags),
    (fd, buf, len, flags))
MOVES(WRITE, sendto, (int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len),
    (fd, buf, len, flags, to, to_len))
SLOW(WRITE, ssize_t, -1, writev, (int fd, const struct iovec *parts, int count),
    (fd, parts, count))
SLOW(WRITE, ssize_t, -1, sendmsg, (int fd, const struct msghdr *msg, int flags),
    (fd, msg, flags))
SLOW(WRITE, int, -1, sendmmsg, (int fd, struct mmsghdr *msgs,
    unsigned int count, int flags), (fd, msgs, count, flags))
STREAM(WRITE, size_t, 0, fwrite, (const void *buf, size_t size, size_t count,
    FILE *file), (buf, size, count, file))
CALL(WRITE, int, EOF, fflush, (FILE *file), (file))
CALL(WRITE, int, -1, ftruncate, (int fd, off_t len), (fd, len))
CALL(WRITE, int, -1, fallocate, (int fd, int mode, off_t at, off_t len),
    (fd, mode, at, len))
CALL(WRITE, int, error, posix_fallocate, (int fd, off_t at, off_t len),
    (fd, at, len))
CALL(WRITE, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))

SLOW(SYNC, int, -1, fsync, (int fd), (fd))
SLOW(SYNC, int, -1, fdatasync, (int fd), (fd))
CALL(SYNC, int, -1, syncfs, (int fd), (fd))

CALL(FILE, int, -1, rename, (const char *from, const char *to), (from, to))
CALL(FILE, int, -1, renameat, (int dir, const char *from, int to_dir,
    const char *to), (dir, from, to_dir, to))
CALL(FILE, int, -1, unlink, (const char *path), (path))
CALL(FILE, int, -1, unlinkat, (int dir, const char *path, int flags),
    (dir, path, flags))
CALL(FILE, int, -1, rmdir, (const char *path), (path))
CALL(FILE, int, -1, chmod, (const char *path, mode_t mode), (path, mode))
CALL(FILE, int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
CALL(FILE, int, -1, chown, (const char *path, uid_t uid, gid_t gid),
    (path, uid, gid))
CALL(FILE, int, -1, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(FILE, int, -1, stat, (const char *path, struct stat *out), (path, out))
CALL(FILE, int, -1, lstat, (const char *path, struct stat *out), (path, out))
CALL(FILE, int, -1, fstat, (int fd, struct stat *out), (fd, out))
CALL(FILE, int, -1, fstatat, (int dir, const char *path, struct stat *out,
    int flags), (dir, path, out, flags))
CALL(FILE, int, -1, fstatfs, (int fd, struct statfs *out), (fd, out))
CALL(FILE, int, -1, fstatvfs, (int fd, struct statvfs *out), (fd, out))
SLOW(FILE, int, -1, flock, (int fd, int how), (fd, how))
CALL(FILE, off_t, -1, lseek, (int fd, off_t at, int whence), (fd, at, whence))

CALL(SOCKET, int, -1, socket, (int family, int type, int protocol),
    (family, type, protocol))
CALL(SOCKET, int, -1, socketpair, (int family, int type, int protocol,
    int pair[2]), (family, type, protocol, pair))
CALL(SOCKET, int, -1, bind, (int fd, const struct sockaddr *at, socklen_t len),
    (fd, at, len))
CALL(SOCKET, int, -1, listen, (int fd, int backlog), (fd, backlog))
SLOW(SOCKET, int, -1, connect, (int fd, const struct sockaddr *to,
    socklen_t len), (fd, to, len))
SLOW(SOCKET, int, -1, accept, (int fd, struct sockaddr *from, socklen_t *len),
    (fd, from, len))
SLOW(SOCKET, int, -1, accept4, (int fd, struct sockaddr *from, socklen_t *len,
    int flags), (fd, from, len, flags))
CALL(SOCKET, int, -1, getsockopt, (int fd, int level, int name, void *value,
    socklen_t *len), (fd, level, name, value, len))
CALL(SOCKET, int, -1, setsockopt, (int fd, int level, int name,
    const void *value, socklen_t len), (fd, level, name, value, len))
CALL(SOCKET, int, -1, getsockname, (int fd, struct sockaddr *at,
    socklen_t *len), (fd, at, len))
CALL(SOCKET, int, -1, shutdown, (int fd, int how), (fd, how))

SLOW(WAIT, int, -1, poll, (struct pollfd *fds, nfds_t count, int ms),
    (fds, count, ms))
SLOW(WAIT, int, -1, __poll_chk, (struct pollfd *fds, nfds_t count, int ms,
    size_t size), (fds, count, ms, size))
SLOW(WAIT, int, -1, ppoll, (struct pollfd *fds, nfds_t count,
    const struct timespec *limit, const sigset_t *set),
    (fds, count, limit, set))
SLOW(WAIT, int, -1, select, (int count, fd_set *in, fd_set *out, fd_set *other,
    struct timeval *limit), (count, in, out, other, limit))
CALL(SIGNAL, int, -1, epoll_wait, (int fd, struct epoll_event *events, int most,
    int ms), (fd, events, most, ms)) /* it fails of nothing else */

CALL(THREAD, int, error, pthread_create, (pthread_t *thread,
    const pthread_attr_t *attr, void *(*run)(void *), void *arg),
    (thread, attr, run, arg))
CALL(THREAD, int, error, pthread_attr_init, (pthread_attr_t *attr), (attr))
CALL(THREAD, int, error, pthread_mutex_init, (pthread_mutex_t *mutex,
    const pthread_mutexattr_t *attr), (mutex, attr))
CALL(THREAD, int, error, pthread_cond_init, (pthread_cond_t *cond,
    const pthread_condattr_t *attr), (cond, attr))
CALL(THREAD, int, error, pthread_condattr_init, (pthread_condattr_t *attr),
    (attr))
CALL(THREAD, int, error, pthread_condattr_setclock, (pthread_condattr_t *attr,
    clockid_t clock), (attr, clock))
CALL(THREAD, int, error, pthread_rwlock_init, (pthread_rwlock_t *lock,
    const pthread_rwlockattr_t *attr), (lock, attr))

CALL(CLOCK, int, -1, clock_gettime, (clockid_t clock, struct timespec *out),
    (clock, out))
CALL(CLOCK, int, -1, gettimeofday, (struct timeval *out, void *zone),
    (out, zone))
CALL(CLOCK, time_t, -1, time, (time_t *out), (out))

CALL(RANDOM, ssize_t, -1, getrandom, (void *buf, size_t len,
    unsigned int flags), (buf, len, flags))
CALL(RANDOM, int, -1, getentropy, (void *buf, size_t len), (buf, len))

NAMES(struct passwd *, NULL, getpwnam, (const char *name), (name))
NAMES(struct passwd *, NULL, getpwuid, (uid_t uid), (uid))
NAMES(struct group *, NULL, getgrnam, (const char *name), (name))
NAMES(struct group *, NULL, getgrgid, (gid_t gid), (gid))
NAMES(int, error, getpwnam_r, (const char *name, struct passwd *out,
    char *room, size_t size, struct passwd **found),
    (name, out, room, size, found))
NAMES(int, error, getpwuid_r, (uid_t uid, struct passwd *out,
    char *room, size_t size, struct passwd **found),
    (uid, out, room, size, found))
NAMES(int, error, getgrnam_r, (const char *name, struct group *out,
    char *room, size_t size, struct group **found),
    (name, out, room, size, found))
NAMES(int, -1, getgrouplist, (const char *user, gid_t group,
    gid_t *groups, int *count), (user, group, groups, count))
NAMES(int, -1, initgroups, (const char *user, gid_t group),
    (user, group))
NAMES(int, -1, setgroups, (size_t count, const gid_t *groups),
    (count, groups))
NAMES(int, -1, setresgid, (gid_t real_id, gid_t gid, gid_t saved),
    (real_id, gid, saved))
NAMES(int, -1, setresuid, (uid_t real_id, uid_t uid, uid_t saved),
    (real_id, uid, saved))

CALL(PROCESS, pid_t, -1, fork, (void), ())
CALL(PROCESS, int, error, posix_spawn, (pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const *argv, char *const *envp),
    (pid, path, actions, attr, argv, envp))
CALL(PROCESS, int, error, posix_spawn_file_actions_init,
    (posix_spawn_file_actions_t *actions), (actions))
CALL(PROCESS, int, error, posix_spawn_file_actions_adddup2,
    (posix_spawn_file_actions_t *actions, int fd, int other),
    (actions, fd, other))
CALL(PROCESS, int, error, posix_spawn_file_actions_addopen,
    (posix_spawn_file_actions_t *actions, int fd, const char *path, int flags,
    mode_t mode), (actions, fd, path, flags, mode))
CALL(PROCESS, int, error, posix_spawn_file_actions_addclosefrom_np,
    (posix_spawn_file_actions_t *actions, int from), (actions, from))
CALL(PROCESS, int, error, posix_spawnattr_init, (posix_spawnattr_t *attr),
    (attr))
CALL(PROCESS, int, error, posix_spawnattr_setflags, (posix_spawnattr_t *attr,
    short flags), (attr, flags))
CALL(PROCESS, int, error, posix_spawnattr_setsigmask,
    (posix_spawnattr_t *attr, const sigset_t *set), (attr, set))
CALL(PROCESS, int, error, posix_spawnattr_setsigdefault,
    (posix_spawnattr_t *attr, const sigset_t *set), (attr, set))
SLOW(PROCESS, pid_t, -1, waitpid, (pid_t pid, int *status, int flags),
    (pid, status, flags))
CALL(PROCESS, int, -1, getrlimit, (__rlimit_resource_t of, struct rlimit *out),
    (of, out))
CALL(PROCESS, int, -1, setrlimit, (__rlimit_resource_t of,
    const struct rlimit *to), (of, to))
/* clang-format on */

/* ---- those with one argument more, or less ---- */

/* The last argument counts only with some values of the one before. */
#define CALL_MORE(class, name, type, params, last, args)                       \
	EXPORTED int name params;                                              \
	EXPORTED int name params                                               \
	{                                                                      \
		int error = planned(NTH_##class, __builtin_return_address(0)); \
		type more;                                                     \
		va_list rest;                                                  \
		REAL(int, name, params);                                       \
		va_start(rest, last);                                          \
		more = va_arg(rest, type);                                     \
		va_end(rest);                                                  \
		if (error > 0) {                                               \
			errno = error;                                         \
			return -1;                                             \
		}                                                              \
		return real args;                                              \
	}

/* clang-format off */
CALL_MORE(OPEN, open, mode_t, (const char *path, int flags, ...), flags,
    (path, flags, more))
CALL_MORE(OPEN, open64, mode_t, (const char *path, int flags, ...), flags,
    (path, flags, more))
CALL_MORE(OPEN, openat, mode_t, (int dir, const char *path, int flags, ...),
    flags, (dir, path, flags, more))
CALL_MORE(OPEN, openat64, mode_t, (int dir, const char *path, int flags, ...),
    flags, (dir, path, flags, more))
CALL_MORE(FILE, fcntl, void *, (int fd, int what, ...), what, (fd, what, more))
CALL_MORE(FILE, fcntl64, void *, (int fd, int what, ...), what,
    (fd, what, more))
/* clang-format on */

/*
 * What fails to be closed is closed. Berkeley DB frees a handle twice then; no
 * local file system does that to files that were synced or only read.
 */
EXPORTED int
close(int fd)
{
	void *code = __builtin_return_address(0);
	int error = -1, rc;
	REAL(int, close, (int));

	if (words != NULL && caller_at(code) != NTH_BY_DB)
		error = planned(NTH_FILE, code);
	rc = real(fd);
	if (error <= 0)
		return rc;
	errno = error;
	return -1;
}

/* To take a descriptor out needs nothing that may be missing. */
EXPORTED int
epoll_ctl(int fd, int op, int other, struct epoll_event *event)
{
	int error = op == EPOLL_CTL_DEL
	                ? -1
	                : planned(NTH_WAIT, __builtin_return_address(0));
	REAL(int, epoll_ctl, (int, int, int, struct epoll_event *));

	if (error <= 0)
		return real(fd, op, other, event);
	errno = error;
	return -1;
}

EXPORTED int
fclose(FILE *file)
{
	int error = planned(NTH_WRITE, __builtin_return_address(0)), rc;
	REAL(int, fclose, (FILE *));

	rc = real(file);
	if (error <= 0)
		return rc;
	errno = error;
	return EOF;
}

/* ---- memory, which is needed to find the real functions, too ---- */

static _Alignas(16) char early[65536];
static size_t early_len;
static __thread bool finding;

static bool
is_early(const void *at)
{
	return (const char *)at >= early &&
	       (const char *)at < early + sizeof(early);
}

static void *
early_alloc(size_t size)
{
	size_t at = early_len;

	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(early) - at)
		abort();
	early_len += size;
	return early + at;
}

#define MEMORY(result, bad, name, params, args, instead)                       \
	EXPORTED result name params;                                           \
	EXPORTED result name params                                            \
	{                                                                      \
		static result(*real) params;                                   \
		int error = planned(NTH_MEMORY, __builtin_return_address(0));  \
		if (error > 0) {                                               \
			errno = error;                                         \
			return bad;                                            \
		}                                                              \
		if (finding)                                                   \
			return instead;                                        \
		if (real == NULL) {                                            \
			finding = true;                                        \
			*(void **)&real = next(#name);                         \
			finding = false;                                       \
		}                                                              \
		return real args;                                              \
	}

/* clang-format off */
MEMORY(void *, NULL, malloc, (size_t size), (size), early_alloc(size))
MEMORY(void *, NULL, calloc, (size_t count, size_t size), (count, size),
    early_alloc(count * size))
MEMORY(void *, NULL, aligned_alloc, (size_t align, size_t size), (align, size),
    NULL)
MEMORY(int, error, posix_memalign, (void **at, size_t align, size_t size),
    (at, align, size), ENOMEM)
MEMORY(void *, NULL, reallocarray, (void *at, size_t count, size_t size),
    (at, count, size), NULL)
/* clang-format on */

EXPORTED void *
realloc(void *at, size_t size)
{
	int error = planned(NTH_MEMORY, __builtin_return_address(0));
	REAL(void *, realloc, (void *, size_t));

	if (error > 0) {
		errno = error;
		return NULL;
	}
	return is_early(at) ? memcpy(malloc(size), at, size) : real(at, size);
}

EXPORTED void
free(void *at)
{
	REAL(void, free, (void *));

	if (!is_early(at))
		real(at);
}

/* ---- the beginning ---- */

static __attribute__((constructor)) void
start(void)
{
	const char *path = getenv(NTH_ENV);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(
	    NULL, sizeof(nth_words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at != MAP_FAILED)
		words = at;
}
