#include "common/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "common/sys/log.h"

enum {
	LAST_WORDS_MS = 1000,
	NO_RANDOM_EXIT = 3, /* of each program: the service is unavailable */
};

enum jp_err
jp_become_account(const struct jp_account *account, struct jp_why *why)
{
	if (geteuid() != 0 || account->uid == 0)
		return JP_ERR_OK;
	if (jp_account_become(account) != JP_ERR_OK)
		return jp_why(why, JP_ERR_PERMISSION, "cannot become %s: %s",
		    account->name, strerror(errno));
	/* A change of user makes core dumps possible again; undo that. */
	jp_harden_process();
	return JP_ERR_OK;
}

enum jp_err
jp_become(const char *user, struct jp_why *why)
{
	struct jp_account account;
	enum jp_err err;

	if (geteuid() != 0)
		return JP_ERR_OK;
	err = jp_account_of_patd(user, &account, why);
	return err == JP_ERR_OK ? jp_become_account(&account, why) : err;
}

void
jp_actor_name(uid_t uid, char name[JP_ACTOR_MAX + 1])
{
	struct passwd pw, *found = NULL;
	char room[4096];

	if (getpwuid_r(uid, &pw, room, sizeof(room), &found) != 0 ||
	    found == NULL ||
	    jp_field_set(name, JP_ACTOR_MAX + 1, pw.pw_name) != JP_ERR_OK)
		(void)snprintf(
		    name, JP_ACTOR_MAX + 1, "uid:%u", (unsigned int)uid);
}

void
jp_hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			/* cppcheck-suppress leakReturnValNotUsed ; held */
			(void)open("/dev/null", O_RDONLY);
}

/* libsodium's last resort is abort(), which says nothing. */
static void
leave_without_random(void)
{
	jp_log(LOG_CRIT, "the kernel gives no random bytes: leaving");
	(void)jp_log_flush(LAST_WORDS_MS);
	_exit(NO_RANDOM_EXIT);
}

void
jp_bind_now(char **argv)
{
	static const char name[] = "LD_BIND_NOW";

	if (getenv(name) == NULL && setenv(name, "1", 0) == 0)
		(void)execv("/proc/self/exe", argv);
	/* Which the kernel calls "exe". */
	(void)prctl(PR_SET_NAME, program_invocation_short_name, 0, 0, 0);
}

void
jp_harden_process(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)umask(077);
	(void)sodium_set_misuse_handler(leave_without_random);
	if (sodium_init() < 0) /* no source of random bytes: nothing is safe */
		leave_without_random();
}

uint32_t
jp_raise_descriptors(uint32_t connections, uint32_t reserve)
{
	struct rlimit limit;
	uint32_t fit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return connections;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= (rlim_t)connections + reserve)
		return connections;
	fit = limit.rlim_cur > 2 * (rlim_t)reserve
	          ? (uint32_t)limit.rlim_cur - reserve
	          : reserve;
	jp_log(LOG_WARNING,
	    "the limit on open files allows only %u connections", fit);
	return fit;
}
