/*
 * A PAM module for tests: appends to the file that is its argument how many
 * bytes of a password arrived, and refuses.
 */
#include <fcntl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *text = NULL;
	int fd;

	(void)flags;
	if (argc != 1 ||
	    pam_get_authtok(pamh, PAM_AUTHTOK, &text, NULL) != PAM_SUCCESS ||
	    text == NULL)
		return PAM_SERVICE_ERR;
	fd = open(argv[0], O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return PAM_SERVICE_ERR;
	(void)dprintf(fd, "%zu\n", strlen(text));
	(void)close(fd);
	return PAM_AUTH_ERR;
}

EXPORTED int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
