/*
 * What tests/faults/nth_call.c, preloaded into a process, shares with the test
 * that says which call has to fail: a file of 64-bit words that both map.
 * tests/faults/nth_call.py reads the lists.
 */
#ifndef JP_TESTS_NTH_CALL_H
#define JP_TESTS_NTH_CALL_H

#include <stdatomic.h>

/* Names the file. */
#define NTH_ENV "JP_NTH_CALL"

/* X(CLASS, name, error): calls that fail alike, and with what they do. */
#define NTH_CLASS_LIST(X)                                                      \
	X(MEMORY, "memory", ENOMEM)                                            \
	X(MAP, "map", ENOMEM)                                                  \
	X(OPEN, "open", ENOMEM)                                                \
	X(READ, "read", EIO)                                                   \
	X(WRITE, "write", ENOSPC)                                              \
	X(SYNC, "sync", EIO)                                                   \
	X(FILE, "file", EIO)                                                   \
	X(SOCKET, "socket", ENOBUFS)                                           \
	X(WAIT, "wait", ENOMEM)                                                \
	X(THREAD, "thread", EAGAIN)                                            \
	X(CLOCK, "clock", EINVAL)                                              \
	X(RANDOM, "random", EIO)                                               \
	X(ACCOUNT, "account", EIO)                                             \
	X(PROCESS, "process", EPERM)                                           \
	X(SIGNAL, "signal", EINTR) /* what one may interrupt, which has its    \
	                              other class, too */

enum nth_class {
#define NTH_ENUM(code, name, error) NTH_##code,
	NTH_CLASS_LIST(NTH_ENUM)
#undef NTH_ENUM
	    NTH_CLASSES
};

/* X(CALLER, part): whose code calls, by a part of its file's name. */
#define NTH_CALLER_LIST(X)                                                     \
	X(DB, "libdb-")                                                        \
	X(SODIUM, "libsodium")                                                 \
	X(HTTP, "libmicrohttpd")                                               \
	X(SECCOMP, "libseccomp")                                               \
	X(LIBC, "libc.so")                                                     \
	X(LOADER, "ld-linux")                                                  \
	X(PAM, "libpam.so")                                                    \
	X(SASL, "libsasl2")                                                    \
	X(MODULE, "jira") /* the module and the plugin; no program's path */   \
	X(OTHER, "/lib")                                                       \
	X(PROGRAM, "")

enum nth_caller {
#define NTH_ENUM(code, part) NTH_BY_##code,
	NTH_CALLER_LIST(NTH_ENUM)
#undef NTH_ENUM
	    NTH_CALLERS
};

/* The plan comes first; what has happened since it was made, behind it. */
enum nth_word {
	NTH_ARMED,  /* whether it holds: written last */
	NTH_CLASS,  /* of which class the calls are that fail: */
	NTH_FIRST,  /* from this one, the first is 1, */
	NTH_LAST,   /* to this one; 0 in both: none */
	NTH_ERROR,  /* with this errno; 0: cut short, not failed */
	NTH_BY,     /* bits of the callers whose calls count; 0: all */
	NTH_COUNT,  /* calls that counted */
	NTH_FAILED, /* how many of them failed */
	NTH_CALLS,  /* of each class by each caller, and behind that: */
	NTH_FAILURES = NTH_CALLS + NTH_CLASSES * NTH_CALLERS,
	NTH_WORDS = NTH_FAILURES + NTH_CLASSES * NTH_CALLERS,
};

typedef atomic_ullong nth_words[NTH_WORDS];

#endif
