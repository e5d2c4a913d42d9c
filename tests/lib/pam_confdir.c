/*
 * Preloaded into a server under test: pam_start() reads the service files from
 * the folder in JP_PAM_CONFDIR instead of /etc/pam.d, `other` included. All
 * else is the real libpam.
 *
 * pam_wrapper(1) does this too, but keeps copies in /tmp/pam.X for each process
 * that a server forks, and leaves them behind when one is killed.
 */
#include <security/pam_appl.h>
#include <stdlib.h>

__attribute__((visibility("default"))) int
pam_start(const char *service, const char *user, const struct pam_conv *conv,
    pam_handle_t **handle)
{
	const char *dir = getenv("JP_PAM_CONFDIR");

	if (!dir)
		return PAM_SYSTEM_ERR;
	return pam_start_confdir(service, user, conv, dir, handle);
}
