/* The filter of system calls, by libseccomp. For common/sys/sandbox.c. */
#ifndef JP_SANDBOX_SECCOMP_H
#define JP_SANDBOX_SECCOMP_H

#include "common/sys/sandbox.h"

/* For all threads; 0, or errno(3): ENOEXEC on a machine of another kind. */
int jp_seccomp_load(enum jp_process process);

#endif
