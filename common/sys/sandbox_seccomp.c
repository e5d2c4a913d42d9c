#include "common/sys/sandbox_seccomp.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/sandbox_calls.h"

#define ALLOW SCMP_ACT_ALLOW

/* A call that is allowed with certain arguments, or answered here. */
struct narrowed {
	unsigned int processes;
	int number;
	uint32_t action;
	struct scmp_arg_cmp argument;
};

#define C JP_PROCESS_CLUSTERD
#define OTHERS (JP_PROCESS_PATD | JP_PROCESS_HTTPD | JP_PROCESS_ONE_SHOT)
#define ALL (OTHERS | C)

/*
 * No new process and no new program; no memory that is both written and run,
 * and none that becomes code; no socket but those of this machine. A name
 * service that wants the network hears that there is none, as from systemd's
 * RestrictAddressFamilies=: a question of a stranger must not end patd. That of
 * systemd looks at the capabilities. pat-clusterd alone has the network, and
 * the resolver asks how long an answer is.
 */
static const struct narrowed narrowed[] = {
	{ ALL, SCMP_SYS(mmap), ALLOW, { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ ALL, SCMP_SYS(mmap), ALLOW,
	    { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0 } },
	{ ALL, SCMP_SYS(mprotect), ALLOW,
	    { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ ALL, SCMP_SYS(prctl), ALLOW, { 0, SCMP_CMP_EQ, PR_CAPBSET_READ, 0 } },
	{ ALL, SCMP_SYS(clone), ALLOW,
	    { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } },
	{ OTHERS, SCMP_SYS(socket), ALLOW, { 0, SCMP_CMP_EQ, AF_UNIX, 0 } },
	{ OTHERS, SCMP_SYS(socket), SCMP_ACT_ERRNO(EAFNOSUPPORT),
	    { 0, SCMP_CMP_NE, AF_UNIX, 0 } },
	{ C, SCMP_SYS(socket), ALLOW, { 0, SCMP_CMP_EQ, AF_UNIX, 0 } },
	{ C, SCMP_SYS(socket), ALLOW, { 0, SCMP_CMP_EQ, AF_INET, 0 } },
	{ C, SCMP_SYS(socket), ALLOW, { 0, SCMP_CMP_EQ, AF_INET6, 0 } },
	{ C, SCMP_SYS(socket), ALLOW, { 0, SCMP_CMP_EQ, AF_NETLINK, 0 } },
	{ C, SCMP_SYS(socket), SCMP_ACT_ERRNO(EAFNOSUPPORT),
	    { 0, SCMP_CMP_GT, AF_NETLINK, 0 } },
	{ C, SCMP_SYS(ioctl), ALLOW, { 1, SCMP_CMP_EQ, FIONREAD, 0 } },
};

/* Its arguments cannot be looked at: the C library takes clone(2) then. */
static const int not_here = SCMP_SYS(clone3);

/* Without what a machine does not have. */
static int
known(int rc)
{
	return rc == -EDOM ? 0 : rc;
}

/*
 * The list is that of 64 bits, where arguments are what they seem: on 32 bits
 * time and files have other calls, and s390x turns those of clone(2) around.
 */
static bool
is_known_machine(void)
{
	const uint32_t machine = seccomp_arch_native();

	return machine == SCMP_ARCH_X86_64 || machine == SCMP_ARCH_AARCH64;
}

static int
allow_calls(scmp_filter_ctx filter, enum jp_process process)
{
	const struct jp_call *call;
	int rc = 0;

	for (size_t i = 0; rc == 0 && (call = jp_sandbox_call(i)) != NULL; i++)
		if (((call->made | call->rare) & process) != 0)
			rc = known(
			    seccomp_rule_add(filter, ALLOW, call->number, 0));
	return rc;
}

static int
allow_narrowed(scmp_filter_ctx filter, enum jp_process process)
{
	int rc = known(
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), not_here, 0));

	for (size_t i = 0;
	     rc == 0 && i < sizeof(narrowed) / sizeof(narrowed[0]); i++)
		if ((narrowed[i].processes & process) != 0)
			rc = known(
			    seccomp_rule_add_array(filter, narrowed[i].action,
			        narrowed[i].number, 1, &narrowed[i].argument));
	return rc;
}

/* abort(3) sends its signal to us; nobody else gets one. */
static int
allow_abort(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp us = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(),
		0 };

	return seccomp_rule_add_array(filter, ALLOW, SCMP_SYS(tgkill), 1, &us);
}

/*
 * All threads at once. A killed call is in the kernel's log; one that is
 * answered need not be, each new thread makes one. SSB: what runs here is our
 * own code, for which older kernels need not make Argon2id slower.
 */
static int
set_attributes(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return rc;
}

/* A rule that cannot be added is no lack of the kernel, whatever the error. */
static int
allow(scmp_filter_ctx filter, enum jp_process process)
{
	int rc = allow_calls(filter, process);

	if (rc == 0)
		rc = allow_narrowed(filter, process);
	if (rc == 0)
		rc = allow_abort(filter);
	return rc == 0 || rc == -ENOMEM ? rc : -ENOTRECOVERABLE;
}

int
jp_seccomp_load(enum jp_process process)
{
	scmp_filter_ctx filter;
	int rc;

	if (!is_known_machine())
		return ENOEXEC;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	rc = filter != NULL ? set_attributes(filter) : -ENOMEM;
	if (rc == 0)
		rc = allow(filter, process);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	return -rc;
}
