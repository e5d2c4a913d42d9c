/*
 * A PAM module that does nothing: what any module costs at least. It stays
 * mapped (-z nodelete), as pam_jira_pat.so does. With an argument it lets the
 * processor go once: what any module costs at least that asks another process.
 */
#include "config.h"

#include <time.h>

#include <security/pam_modules.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pam_sm_setcred(pamh, flags, argc, argv);
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct timespec shortest = { .tv_nsec = 1 };

	if (argc > 0)
		(void)nanosleep(&shortest, NULL);
	return pam_sm_setcred(pamh, flags, argc, argv);
}
