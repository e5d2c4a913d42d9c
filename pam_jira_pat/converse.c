/*
 * What the application gives: user, service, address, and the token, by one
 * prompt without echo. Every byte of them is the client's.
 */
#include "config.h"

#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/base/net.h"
#include "common/wire/token.h"
#include "pam_jira_pat/internal.h"

/*
 * The code to leave with after libpam or the conversation failed. What an
 * application's conversation function returns is not trusted to be a failure.
 */
static int
conversation_failure(int rc)
{
	switch (rc) {
	case PAM_AUTH_ERR: /* use_first_pass, and there is none */
	case PAM_AUTHTOK_ERR:
	case PAM_BUF_ERR:
	case PAM_SYSTEM_ERR:
		return rc;
	default:
		return PAM_CONV_ERR;
	}
}

static bool
refuse(pam_handle_t *pamh, const char *why, int *rc)
{
	pam_syslog(pamh, LOG_NOTICE, "refused without asking patd: %s", why);
	*rc = PAM_AUTH_ERR;
	return false;
}

static bool
take_user(pam_handle_t *pamh, struct jp_request *request, int *rc)
{
	const char *user = NULL;
	int err = pam_get_user(pamh, &user, NULL);

	if (err != PAM_SUCCESS || user == NULL) {
		*rc = conversation_failure(err);
		return false;
	}
	if (user[0] == '\0')
		return refuse(pamh, "the user name is empty", rc);
	if (jp_field_set(request->user, sizeof(request->user), user) !=
	    JP_ERR_OK)
		return refuse(pamh, "the user name is too long", rc);
	return true;
}

/* A text item of the transaction; "" where the application set none. */
static const char *
item_text(pam_handle_t *pamh, int item)
{
	const void *text = NULL;

	if (pam_get_item(pamh, item, &text) != PAM_SUCCESS || text == NULL)
		return "";
	return text;
}

/*
 * pam_get_authtok() takes the PAM_AUTHTOK of an earlier module if there is
 * one, with and without try_first_pass, as it does for Linux-PAM's own
 * modules; else it prompts, or fails if use_first_pass is set. Whether there
 * is an earlier one or not, the application is asked at most once.
 *
 * What was typed stays in PAM_AUTHTOK for later modules, also when it is a
 * token and is refused. Taking it away would make a later try_first_pass
 * prompt again, and applications that answer each prompt with the same text
 * (Apache, Dovecot) would give the token to that module all the same; and a
 * second pam_jira_pat, with another socket, could not see it. To keep tokens
 * from other modules the stack has to stop here: unknown=pass with
 * [success=done user_unknown=ignore default=die].
 */
static bool
take_token(pam_handle_t *pamh, const struct pamjp_options *options,
    struct jp_request *request, int *rc)
{
	const char *text = NULL;
	int err = pam_get_authtok(pamh, PAM_AUTHTOK, &text, options->prompt);

	if (err != PAM_SUCCESS || text == NULL) {
		*rc = conversation_failure(err); /* CVE-2021-31924 */
		return false;
	}
	if (text[0] == '\0')
		return refuse(pamh, "the token is empty", rc);
	if (jp_secret_set(&request->token, text, strlen(text)) != JP_ERR_OK)
		return refuse(pamh, "the token is too long", rc);
	if (options->unknown_pass &&
	    !jp_is_token(request->token.text, request->token.len)) {
		*rc = PAM_USER_UNKNOWN; /* a password: it stays in here */
		return false;
	}
	return true;
}

/* All but the token: the service, and where the user comes from. */
static bool
take_place(pam_handle_t *pamh, struct jp_request *request, int *rc)
{
	const char *service = item_text(pamh, PAM_SERVICE);

	if (jp_field_set(request->service, sizeof(request->service), service) !=
	    JP_ERR_OK)
		return refuse(pamh, "the service name is too long", rc);
	/*
	 * A name is whatever the owner of the address says in the DNS, and is
	 * not resolved (CVE-2022-28321): it is passed on to be logged, and a
	 * token that is bound to networks is denied.
	 */
	(void)jp_rhost_read(
	    item_text(pamh, PAM_RHOST), request->rhost, sizeof(request->rhost));
	return true;
}

bool
pamjp_gather(pam_handle_t *pamh, const struct pamjp_options *options,
    struct jp_request *request, int *rc)
{
	return take_user(pamh, request, rc) && take_place(pamh, request, rc) &&
	       take_token(pamh, options, request, rc);
}

bool
pamjp_gather_account(pam_handle_t *pamh, struct jp_request *request, int *rc)
{
	const char *user = item_text(pamh, PAM_USER);

	request->account = true;
	*rc = PAM_PERM_DENIED;
	return user[0] != '\0' &&
	       jp_field_set(request->user, sizeof(request->user), user) ==
	           JP_ERR_OK &&
	       take_place(pamh, request, rc);
}
