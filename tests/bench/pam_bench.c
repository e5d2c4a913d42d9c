/*
 * Whole PAM transactions under the real libpam, as a front door makes them for
 * every request: pam_start, PAM_RHOST, pam_authenticate, pam_acct_mgmt if that
 * said yes, pam_end.
 *
 *     pam_bench CONFDIR SERVICE WARM COUNT THREADS
 *
 * Standard input: the user, the password, an empty line; see turn.h.
 */
#include "config.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/turn.h"

static const char *confdir;
static const char *service;
static char *user;
static char *password;

/* As mod_authnz_pam does it: the password for a prompt without echo. */
static int
converse(int count, const struct pam_message **messages,
    struct pam_response **answers, void *data)
{
	struct pam_response *made;

	(void)data;
	if (count != 1 || messages[0]->msg_style != PAM_PROMPT_ECHO_OFF)
		return PAM_CONV_ERR;
	made = calloc(1, sizeof(*made));
	if (made != NULL)
		made->resp = strdup(password);
	if (made == NULL || made->resp == NULL) {
		free(made);
		return PAM_BUF_ERR;
	}
	*answers = made;
	return PAM_SUCCESS;
}

static enum turn_result
transaction(void *state, int64_t number, int kind)
{
	static const struct pam_conv conversation = { converse, NULL };
	pam_handle_t *handle;
	int rc;

	(void)state;
	(void)number;
	(void)kind;
	if (pam_start_confdir(service, user, &conversation, confdir, &handle) !=
	    PAM_SUCCESS)
		return TURN_FAILED;
	(void)pam_set_item(handle, PAM_RHOST, "127.0.0.1");
	rc = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rc == PAM_SUCCESS)
		rc = pam_acct_mgmt(
		    handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	(void)pam_end(handle, rc);
	if (rc == PAM_SUCCESS)
		return TURN_ACCEPTED;
	return rc == PAM_AUTH_ERR ? TURN_DENIED : TURN_FAILED;
}

int
main(int argc, char **argv)
{
	struct turn turn = { .kinds = { "transactions" },
		.operate = transaction };
	int status;

	if (argc != 6) {
		(void)fprintf(stderr,
		    "Usage: pam_bench CONFDIR SERVICE WARM COUNT THREADS\n");
		return 2;
	}
	confdir = argv[1];
	service = argv[2];
	turn.warm = turn_number(argv[3], INT32_MAX);
	turn.count = turn_number(argv[4], INT32_MAX);
	turn.threads = (int)turn_number(argv[5], TURN_THREADS);
	user = turn_line();
	password = turn_line();
	free(turn_line());
	if (user == NULL || password == NULL)
		return 2;
	status = turn_run(&turn);
	free(user);
	free(password);
	return status;
}
