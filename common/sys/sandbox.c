#include "common/sys/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/sys/sandbox_landlock.h"
#include "common/sys/sandbox_seccomp.h"

enum {
	CAPABILITIES_MAX = 64, /* that a kernel can have */
};

/* ---- capabilities ---- */

void
jp_sandbox_bound(void)
{
	for (int cap = 0; cap < CAPABILITIES_MAX; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/*
 * A change of the user has done so already, or the service manager, which may
 * have taken away capset(2), too.
 */
static int
give_up_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	static const struct __user_cap_data_struct none[2];
	struct __user_cap_data_struct held[2];

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, held) == 0 &&
	    memcmp(held, none, sizeof(none)) == 0)
		return 0;
	return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

/* ---- what a kernel may lack ---- */

/*
 * It has none of it, it was disabled at boot, or a container forbids it; or
 * nobody knows the calls of this machine.
 */
static bool
is_lack(int errnum)
{
	return errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == EPERM ||
	       errnum == EINVAL || errnum == ENOEXEC;
}

static enum jp_err
failed(const char *what, int errnum, struct jp_why *why)
{
	return jp_why(why, jp_err_from_errno(errnum),
	    "sandbox: %s: %s; \"sandbox = no\" does without", what,
	    strerror(errnum));
}

enum jp_err
jp_sandbox_files(struct jp_sandbox *sandbox,
    const struct jp_beneath_rule *rules, size_t count, struct jp_why *why)
{
	int errnum = give_up_capabilities();

	if (errnum != 0)
		return failed("capset(2)", errnum, why);
	sandbox->landlock = jp_landlock_abi();
	if (sandbox->landlock < 1)
		return is_lack(-sandbox->landlock)
		           ? JP_ERR_OK
		           : failed("landlock(7)", -sandbox->landlock, why);
	errnum = jp_landlock_restrict(
	    sandbox->landlock, sandbox->connects, rules, count);
	return errnum == 0 ? JP_ERR_OK : failed("landlock(7)", errnum, why);
}

enum jp_err
jp_sandbox_calls(
    struct jp_sandbox *sandbox, enum jp_process process, struct jp_why *why)
{
	int errnum = jp_seccomp_load(process);

	sandbox->no_seccomp = errnum;
	return errnum == 0 || is_lack(errnum)
	           ? JP_ERR_OK
	           : failed("seccomp(2)", errnum, why);
}

/* ---- what is said ---- */

static const char *
lack(int errnum)
{
	switch (errnum) {
	case ENOSYS:
	case EINVAL:
		return "not in this kernel";
	case EOPNOTSUPP:
		return "disabled in this kernel";
	case ENOEXEC:
		return "not for this machine";
	default:
		return "forbidden by the container";
	}
}

/* "NAME", or "no NAME" and why. */
static void
tell(char text[64], const char *name, int errnum)
{
	if (errnum == 0)
		(void)snprintf(text, 64, "%s", name);
	else
		(void)snprintf(text, 64, "no %s (%s)", name, lack(errnum));
}

void
jp_sandbox_say(const struct jp_sandbox *sandbox)
{
	const bool files = sandbox->landlock > 0;
	const bool all = files && sandbox->no_seccomp == 0;
	const int good = sandbox->quiet ? LOG_DEBUG : LOG_INFO;
	char name[32] = "Landlock", landlock[64], seccomp[64];

	if (files)
		(void)snprintf(
		    name, sizeof(name), "Landlock (ABI %d)", sandbox->landlock);
	tell(landlock, name, files ? 0 : -sandbox->landlock);
	tell(seccomp, "seccomp", sandbox->no_seccomp);
	jp_log(all ? good : LOG_WARNING,
	    "sandbox: capabilities dropped, %s, %s", landlock, seccomp);
}
