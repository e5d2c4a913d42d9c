#include "config.h"

#include "common/sys/sandbox_calls.h"

#include <seccomp.h>

#include "common/sys/sandbox.h"

#define P JP_PROCESS_PATD
#define H JP_PROCESS_HTTPD
#define O JP_PROCESS_ONE_SHOT
#define C JP_PROCESS_CLUSTERD
#define PHO (P | H | O)
#define ALL (PHO | C)

#define CALL(name, made, rare)                                                 \
	{                                                                      \
#name, SCMP_SYS(name), made, rare                              \
	}

/*
 * Another machine, or a later C library, makes one call in place of another:
 * ppoll(2) for poll(2), fstat(2) for newfstatat(2).
 */
static const struct jp_call calls[] = {
	/* What comes and goes over descriptors. */
	CALL(read, ALL, 0),
	CALL(write, ALL, 0),
	CALL(close, ALL, 0),
	CALL(fcntl, ALL, 0),
	CALL(poll, O | C, P | H),
	CALL(ppoll, 0, ALL),
	CALL(epoll_wait, P | H, O),
	CALL(epoll_pwait, 0, ALL),
	CALL(epoll_ctl, P | H, O),
	/* Sockets; socket(2) itself is narrowed. */
	CALL(accept4, PHO, 0),
	CALL(connect, H | O | C, P),
	CALL(getsockopt, ALL, 0),
	CALL(setsockopt, P | H | C, O),
	CALL(shutdown, H, P | O | C),
	CALL(sendto, ALL, 0),
	CALL(recvfrom, ALL, 0),
	CALL(sendmsg, H, P | O | C),
	CALL(recvmsg, 0, ALL),
	CALL(sendmmsg, H, C),
	CALL(recvmmsg, H, C),
	/* A socket whose file is gone is bound again, in a new directory. */
	CALL(bind, P | O, C),
	CALL(listen, P | O, 0),
	CALL(chmod, P, 0),
	CALL(fchmodat, 0, P),
	CALL(chown, P, 0),
	CALL(fchownat, 0, P),
	CALL(mkdir, P, 0),
	CALL(mkdirat, 0, P),
	CALL(fchmod, 0, P),
	CALL(fchown, 0, P),
	CALL(dup, 0, P | C),
	/* Files: settings, keys, the store, the trail, the name service. */
	CALL(openat, ALL, 0),
	CALL(fstat, 0, ALL),
	CALL(newfstatat, ALL, 0),
	CALL(lseek, ALL, 0),
	CALL(pread64, P | O, C),
	CALL(pwrite64, P | O, 0),
	CALL(ftruncate, O, P),
	CALL(fsync, P | O, 0),
	CALL(fdatasync, P | O, 0),
	CALL(flock, O, 0),
	CALL(fallocate, 0, P | O), /* what is kept for a full disk */
	CALL(fstatfs, 0, ALL),
	CALL(unlink, PHO, 0),
	CALL(unlinkat, 0, ALL),
	/* A store of an earlier version gets further files: libdb makes each
	 * under another name. A patd has done that before its filter. */
	CALL(rename, 0, O),
	CALL(renameat, 0, O),
	CALL(renameat2, 0, O),
	CALL(getdents64, P | O, H | C),
	CALL(getcwd, O, P | C),
	/* Memory; mmap(2) and mprotect(2) are narrowed. */
	CALL(brk, P | O | C, H),
	CALL(munmap, ALL, 0),
	CALL(mremap, 0, ALL),
	CALL(madvise, P | O, H | C),
	CALL(mlock, O, P),
	CALL(munlock, P | O, 0),
	/* Threads; clone(2) is narrowed. That of the log may start late. */
	CALL(futex, P | H | C, O),
	CALL(set_robust_list, P, H | C),
	CALL(rseq, P, H | C),
	CALL(rt_sigprocmask, P, H | O | C),
	CALL(rt_sigpending, 0, C), /* libpq, about SIGPIPE */
	CALL(rt_sigtimedwait, 0, C),
	CALL(exit, P | H | C, 0),
	CALL(exit_group, ALL, 0),
	/* Time, chance, who we are. */
	CALL(clock_nanosleep, 0, P | O | C),
	CALL(getrandom, 0, ALL), /* newer ones: in the vDSO */
	CALL(getpid, O, P | H | C),
	CALL(gettid, 0, ALL),
	CALL(geteuid, P | O, H | C),
	/* The C library asks for sorting how much memory there is, and for the
	 * arenas of malloc(3) how many processors, where /sys does not say so;
	 * it says its last words, of a damaged heap, by writev(2). */
	CALL(sysinfo, 0, ALL),
	CALL(sched_getaffinity, 0, ALL),
	CALL(writev, 0, ALL),
	/* libdb gives way to whoever holds what it waits for: a page. */
	CALL(select, 0, ALL),
	CALL(pselect6, 0, ALL),
	CALL(sched_yield, 0, ALL),
	/* How modules of the name service ask their daemon: of systemd, sssd,
	 * nslcd, winbind, nscd. */
	CALL(epoll_create1, 0, ALL),
	CALL(epoll_pwait2, 0, ALL),
	CALL(timerfd_create, 0, ALL),
	CALL(timerfd_settime, 0, ALL),
	CALL(getsockname, 0, ALL),
	CALL(readlink, 0, ALL),
	CALL(readlinkat, 0, ALL),
	CALL(statx, 0, ALL),
	CALL(getuid, 0, ALL),
	/* And what those do, before and after, that want the network: of NIS,
	 * and of clouds, by libcurl and OpenSSL. */
	CALL(uname, 0, ALL),
	CALL(access, 0, ALL),
	CALL(faccessat, 0, ALL),
	CALL(faccessat2, 0, ALL),
	CALL(rt_sigaction, 0, ALL),
	CALL(socketpair, 0, ALL),
	CALL(getpeername, 0, ALL),
	CALL(pipe2, 0, ALL),
	CALL(eventfd2, 0, ALL),
	/* Where a clock is not in the vDSO: some virtual machines. */
	CALL(clock_gettime, 0, ALL),
	CALL(gettimeofday, 0, ALL),
#if defined(JP_SANITIZED) || defined(JP_COVERAGE_DIR)
	/* A sanitizer looks at its process, from one that it makes for that;
	 * what gcov(1) counts is written. */
	CALL(clone, 0, ALL),
	CALL(exit, 0, ALL),
	CALL(ftruncate, 0, ALL),
	CALL(getdents, 0, ALL),
	CALL(getppid, 0, ALL),
	CALL(getrlimit, 0, ALL),
	CALL(ioctl, 0, ALL),
	CALL(mincore, 0, ALL),
	CALL(mkdir, 0, ALL),
	CALL(mmap, 0, ALL),
	CALL(lstat, 0, ALL),
	CALL(mprotect, 0, ALL),
	CALL(nanosleep, 0, ALL),
	CALL(open, 0, ALL),
	CALL(prctl, 0, ALL),
	CALL(prlimit64, 0, ALL),
	CALL(ptrace, 0, ALL),
	CALL(sigaltstack, 0, ALL),
	CALL(stat, 0, ALL),
	CALL(wait4, 0, ALL),
#endif
	/* A poll(2) or sleep that SIGSTOP has interrupted goes on. */
	CALL(restart_syscall, 0, ALL),
};

const struct jp_call *
jp_sandbox_call(size_t i)
{
	return i < sizeof(calls) / sizeof(calls[0]) ? &calls[i] : NULL;
}
