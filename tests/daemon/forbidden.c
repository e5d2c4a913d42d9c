/*
 * Somebody else's code in a daemon, for LD_PRELOAD: where the file
 * $JP_FORBIDDEN names a call, the next one who waits for events, or who writes
 * to standard error if "log:" stands in front, makes that call, and says on
 * standard error what came of it; "rare": those that libraries seldom make.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* ---- what is made ---- */

static long
open_file(void)
{
	return open(getenv("JP_FORBIDDEN_FILE"), O_RDONLY);
}

static long
make_file(void)
{
	return open(
	    getenv("JP_FORBIDDEN_NEW"), O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static long
written_code(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
later_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long
inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long
netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long
process(void)
{
	return (long)fork();
}

static long
signal_other(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long
process_beside(void)
{
#ifdef SYS_vfork
	return syscall(SYS_vfork);
#else
	return syscall(SYS_clone, CLONE_VFORK | CLONE_VM, 0, 0, 0, 0);
#endif
}

/* ---- what libraries make in rare cases ---- */

static long
wait_by_select(void)
{
	struct timeval moment = { 0, 1 };

	return select(0, NULL, NULL, NULL, &moment);
}

static long
processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set);
}

static long
name_of_machine(void)
{
	struct utsname name;

	return uname(&name);
}

static long
last_words(void)
{
	struct iovec none = { NULL, 0 };

	return writev(STDERR_FILENO, &none, 1);
}

static long
old_handler(void)
{
	struct sigaction old;

	return sigaction(SIGPIPE, NULL, &old);
}

static long
look_for_file(void)
{
	return access("/etc/passwd", R_OK);
}

static long
pair_of_sockets(void)
{
	int pair[2];
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0
	           ? getpeername(pair[0], (struct sockaddr *)&peer, &len)
	           : -1;
}

static long
pipe_to_wake(void)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC);
}

static long
count_to_wake(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static long
give_way(void)
{
	return sched_yield();
}

/* ---- with a number alone: no argument makes it right ---- */

#define PLAIN_LIST(X)                                                          \
	X(execve)                                                              \
	X(execveat)                                                            \
	X(ptrace)                                                              \
	X(process_vm_readv)                                                    \
	X(kill)                                                                \
	X(mount)                                                               \
	X(umount2)                                                             \
	X(chroot)                                                              \
	X(unshare)                                                             \
	X(setns)                                                               \
	X(setuid)                                                              \
	X(setresgid)                                                           \
	X(capset)                                                              \
	X(prctl)                                                               \
	X(bpf)                                                                 \
	X(perf_event_open)                                                     \
	X(io_uring_setup)                                                      \
	X(userfaultfd)                                                         \
	X(memfd_create)                                                        \
	X(keyctl)                                                              \
	X(init_module)                                                         \
	X(personality)                                                         \
	X(ioctl)                                                               \
	X(prlimit64)                                                           \
	X(symlink)                                                             \
	X(link)                                                                \
	X(open_by_handle_at)

#define PLAIN(name)                                                            \
	static long call_##name(void)                                          \
	{                                                                      \
		return syscall(SYS_##name, 0, 0, 0, 0, 0, 0);                  \
	}
PLAIN_LIST(PLAIN)
#undef PLAIN

static const struct forbidden {
	const char *name;
	long (*make)(void);
} rare[] = { { "select", wait_by_select }, { "sched_yield", give_way },
	{ "sched_getaffinity", processors }, { "uname", name_of_machine },
	{ "writev", last_words }, { "sigaction", old_handler },
	{ "access", look_for_file }, { "socketpair", pair_of_sockets },
	{ "pipe", pipe_to_wake }, { "eventfd", count_to_wake } };

static const struct forbidden calls[] = {
	{ "open-file", open_file }, { "make-file", make_file },
	{ "written-code", written_code }, { "later-code", later_code },
	{ "inet", inet }, { "netlink", netlink }, { "fork", process },
	{ "signal-other", signal_other }, { "vfork", process_beside },
#define ROW(name) { #name, call_##name },
	PLAIN_LIST(ROW)
#undef ROW
};

/* ---- when ---- */

static void
say(const char *name, long rc)
{
	char line[128];
	int errnum = rc < 0 ? errno : 0;
	int len = snprintf(line, sizeof(line), "forbidden: %s: %s\n", name,
	    errnum == 0 ? "done" : strerrorname_np(errnum));

	(void)syscall(SYS_write, STDERR_FILENO, line, (size_t)len);
}

/* All of the rare ones, and then this. */
static long
make_rare(void)
{
	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		say(rare[i].name, rare[i].make());
	return 0;
}

static void
make(const char *name)
{
	if (strcmp(name, "rare") == 0)
		say(name, make_rare());
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(name, calls[i].name) == 0)
			say(name, calls[i].make());
}

/* Once, and only if it is meant for the thread that asks. */
static void
look(bool by_log)
{
	static const char front[] = "log:";
	static atomic_flag made = ATOMIC_FLAG_INIT;
	const char *path = getenv("JP_FORBIDDEN");
	char name[64] = "";
	struct stat st;
	ssize_t len = -1;
	int fd;

	if (path == NULL || stat(path, &st) != 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, name, sizeof(name) - 1);
		(void)close(fd);
	}
	if (len <= 0 || (strncmp(name, front, strlen(front)) == 0) != by_log ||
	    atomic_flag_test_and_set(&made))
		return;
	make(by_log ? name + strlen(front) : name);
}

PUBLIC int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int (*real)(int, struct epoll_event *, int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
	look(false);
	return real(fd, events, max, timeout);
}

PUBLIC int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int (*real)(struct pollfd *, nfds_t, int);

	*(void **)&real = dlsym(RTLD_NEXT, "poll");
	look(false);
	return real(fds, count, timeout);
}

PUBLIC ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (fd == STDERR_FILENO)
		look(true);
	return real(fd, bytes, len);
}
