/*
 * What libpam calls: the three entry points, and the note in the handle by
 * which account management knows whom authentication accepted. All that
 * forbids is enforced in authenticate: some applications never ask for account
 * management (CVE-2022-0860, CVE-2017-12197).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pam_jira_pat/internal.h"

#define EXPORT __attribute__((visibility("default")))
#define ACCEPTED_USER "jira_pat_accepted_user"

static void
drop_user(pam_handle_t *pamh, void *user, int error_status)
{
	(void)pamh;
	(void)error_status;
	free(user);
}

/* Notes the accepted user, and nothing secret, in the handle. */
static bool
remember(pam_handle_t *pamh, const char *user, int *rc)
{
	char *copy = strdup(user);

	*rc = PAM_BUF_ERR;
	if (copy == NULL)
		return false;
	if (pam_set_data(pamh, ACCEPTED_USER, copy, drop_user) == PAM_SUCCESS)
		return true;
	free(copy);
	return false;
}

/* A new question makes an earlier acceptance void. */
static void
forget(pam_handle_t *pamh)
{
	(void)pam_set_data(pamh, ACCEPTED_USER, NULL, NULL);
}

static enum jp_err
ask(const struct pamjp_options *options, struct jp_request *request,
    struct jp_reply *reply)
{
	const struct jp_client client = {
		.socket_path = options->socket_path,
		.timeout_ms = options->timeout_ms,
		.one_shot_path = options->one_shot ? JP_PATD_PATH : NULL,
		.config_path = options->config_path,
	};

	return jp_client_ask(&client, request, reply);
}

/* Whether the token of `request` is accepted. */
static bool
ask_token(pam_handle_t *pamh, const struct pamjp_options *options,
    struct jp_request *request, int *rc)
{
	struct jp_reply reply;
	enum jp_err err = ask(options, request, &reply);

	return pamjp_accepted(pamh, options, request, err, &reply, rc);
}

/* Whether the transaction's user may, whoever has authenticated them. */
static int
ask_account(pam_handle_t *pamh, const struct pamjp_options *options)
{
	struct jp_request request = { .front = JP_FRONT_PAM };
	struct jp_reply reply;
	enum jp_err err;
	int rc = PAM_SYSTEM_ERR;

	if (!pamjp_gather_account(pamh, &request, &rc))
		return PAM_PERM_DENIED;
	err = ask(options, &request, &reply);
	return pamjp_account_code(pamh, options, &request, err, &reply);
}

/*
 * The flags change nothing: PAM_SILENT, because nothing is ever shown;
 * PAM_DISALLOW_NULL_AUTHTOK, because an empty token never passes.
 */
EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct pamjp_options options;
	struct jp_request request = { .front = JP_FRONT_PAM };
	int rc = PAM_SYSTEM_ERR;

	(void)flags;
	forget(pamh);
	if (!pamjp_options_read(pamh, argc, argv, &options))
		return PAM_SERVICE_ERR;
	if (pamjp_gather(pamh, &options, &request, &rc) &&
	    ask_token(pamh, &options, &request, &rc) &&
	    remember(pamh, request.user, &rc))
		rc = PAM_SUCCESS;
	jp_secret_clear(&request.token);
	return rc;
}

/* There are no credentials to set; a code other than this breaks logins. */
EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

static bool
is_ours(pam_handle_t *pamh)
{
	const void *ours = NULL;
	const void *user = NULL;

	return pam_get_data(pamh, ACCEPTED_USER, &ours) == PAM_SUCCESS &&
	       pam_get_item(pamh, PAM_USER, &user) == PAM_SUCCESS &&
	       ours != NULL && user != NULL && strcmp(ours, user) == 0;
}

/*
 * PAM_IGNORE here says "not ours": alone in a stack libpam turns it into
 * PAM_PERM_DENIED. With account=user patd is asked whether the user may.
 */
EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct pamjp_options options;

	(void)flags;
	if (!pamjp_options_read(pamh, argc, argv, &options))
		return PAM_SERVICE_ERR;
	if (is_ours(pamh))
		return PAM_SUCCESS;
	return options.account_user ? ask_account(pamh, &options) : PAM_IGNORE;
}
