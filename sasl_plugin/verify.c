/*
 * A login: the name is made canonical, patd is asked about that name, and what
 * it answers, or does not, becomes a code of SASL. The client's text is one of
 * two that say no more than the code: servers send it to the client. The reason
 * of a denial is in patd's log; the token is in no log.
 */
#include "config.h"

#include <string.h>

#include "common/base/escape.h"
#include "common/base/net.h"
#include "common/wire/token.h"
#include "sasl_plugin/internal.h"

enum { ESCAPED_SIZE = 512 }; /* of a name in a log line */

int
saslpat_fail(sasl_server_params_t *sparams, int code)
{
	const char *text = code == SASL_BADAUTH || code == SASL_BADPROT
	                       ? "authentication failed"
	                       : "authentication is not available now";

	sparams->utils->seterror(sparams->utils->conn, SASL_NOLOG, "%s", text);
	return code;
}

/*
 * What libsasl2 says of a name or a password: yes, no, or "not now", and no
 * finer, since servers tell their clients what they get.
 */
static int
coarse(int code)
{
	switch (code) {
	case SASL_OK:
	case SASL_NOMEM:
		return code;
	case SASL_BADAUTH:
	case SASL_NOUSER:
	case SASL_NOAUTHZ:
	case SASL_NOVERIFY:
	case SASL_EXPIRED:
	case SASL_DISABLED:
	case SASL_PWLOCK:
	case SASL_WEAKPASS:
	case SASL_TRANS:
	case SASL_BADPARAM:
	case SASL_BADPROT:
	case SASL_BUFOVER:
		return SASL_BADAUTH;
	default:
		return SASL_UNAVAIL;
	}
}

/* One line: `what`, and `why` in parentheses if not NULL. */
static void
report(const sasl_server_params_t *sparams, int level, const char *user,
    const char *what, const char *why)
{
	char text[ESCAPED_SIZE], service[ESCAPED_SIZE];

	(void)jp_escape(text, sizeof(text), user);
	(void)jp_escape(service, sizeof(service),
	    sparams->service != NULL ? sparams->service : "");
	sparams->utils->log(sparams->utils->conn, level,
	    "libjirapat: %s%s%s%s; user=\"%s\" service=%s", what,
	    why != NULL ? " (" : "", why != NULL ? why : "",
	    why != NULL ? ")" : "", text, service);
}

/*
 * `which` name, SASL_CU_AUTHID or SASL_CU_AUTHZID or both. The default function
 * of libsasl2 takes blanks off, and says OK to nothing that is left.
 * SASL_CU_EXTERNALLY_VERIFIED: that no auxprop plugin knows the user is no
 * error.
 */
static int
canonicalise(const sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const char *name, unsigned int which)
{
	int code = sparams->canon_user(sparams->utils->conn, name,
	    (unsigned int)strlen(name), which | SASL_CU_EXTERNALLY_VERIFIED,
	    oparams);

	if (code != SASL_OK)
		return coarse(code);
	if ((which & SASL_CU_AUTHID) != 0 &&
	    (oparams->authid == NULL || oparams->alen == 0))
		return SASL_BADAUTH;
	if ((which & SASL_CU_AUTHZID) != 0 &&
	    (oparams->user == NULL || oparams->ulen == 0))
		return SASL_BADAUTH;
	return SASL_OK;
}

/*
 * The name that patd is asked for. Where the service has a realm, no other one
 * is cut off: alice of elsewhere is not the service's alice.
 */
static enum jp_err
token_user(const struct saslpat_options *options,
    const sasl_server_params_t *sparams, const char *authid,
    char user[JP_USER_MAX + 1])
{
	enum jp_realm realm = options->realm;
	const char *own = sparams->user_realm;
	const char *at = strrchr(authid, '@');
	enum jp_err err = jp_field_set(user, JP_USER_MAX + 1, authid);

	if (realm == JP_REALM_STRIP && own != NULL && own[0] != '\0' &&
	    at != NULL && strcmp(at + 1, own) != 0)
		realm = JP_REALM_KEEP;
	return err == JP_ERR_OK ? jp_realm_apply(realm, user) : err;
}

static enum jp_err
gather(const sasl_server_params_t *sparams, const struct jp_login *login,
    struct jp_request *request)
{
	const char *service = sparams->service != NULL ? sparams->service : "";
	enum jp_err err =
	    jp_field_set(request->service, sizeof(request->service), service);

	if (sparams->ipremoteport != NULL)
		(void)jp_rhost_read(sparams->ipremoteport, request->rhost,
		    sizeof(request->rhost));
	if (err == JP_ERR_OK)
		err = jp_secret_set(
		    &request->token, login->passwd.text, login->passwd.len);
	return err;
}

static int
answered(const sasl_server_params_t *sparams, const struct jp_request *request,
    enum jp_err err, const struct jp_reply *reply)
{
	if (err != JP_ERR_OK) {
		report(sparams, SASL_LOG_ERR, request->user,
		    "patd is unavailable", jp_err_text(err));
		return err == JP_ERR_NOMEM ? SASL_NOMEM : SASL_UNAVAIL;
	}
	switch (reply->verdict) {
	case JP_ACCEPT:
		if (reply->user[0] != '\0' &&
		    (request->user[0] == '\0' ||
		        strcmp(request->user, reply->user) == 0))
			return SASL_OK;
		report(sparams, SASL_LOG_ERR, request->user,
		    "patd's answer is for another user", NULL);
		return SASL_UNAVAIL;
	case JP_DENY:
		report(sparams, SASL_LOG_FAIL, request->user, "denied", NULL);
		return SASL_BADAUTH;
	case JP_MAY: /* it was not asked that */
	case JP_UNAVAILABLE:
		report(sparams, SASL_LOG_ERR, request->user,
		    "patd cannot decide now", NULL);
		break;
	}
	return SASL_UNAVAIL;
}

/* Asks about `authid`, or, if it is NULL, whose the token is. */
static int
ask(const struct saslpat_options *options, const sasl_server_params_t *sparams,
    const struct jp_login *login, const char *authid, struct jp_reply *reply)
{
	const struct jp_client client = {
		.socket_path = options->socket_path,
		.timeout_ms = options->timeout_ms,
	};
	struct jp_request request = { .front = JP_FRONT_SASL };
	enum jp_err err = gather(sparams, login, &request);
	int code;

	if (err == JP_ERR_OK && authid != NULL)
		err = token_user(options, sparams, authid, request.user);
	if (err == JP_ERR_OK) {
		err = jp_client_ask(&client, &request, reply);
		code = answered(sparams, &request, err, reply);
	} else {
		report(sparams, SASL_LOG_FAIL, authid != NULL ? authid : "",
		    "refused without asking patd", jp_err_text(err));
		code = SASL_BADAUTH;
	}
	jp_secret_clear(&request.token);
	return code;
}

static int
verify_authid(const struct saslpat_session *session,
    const sasl_server_params_t *sparams, const sasl_out_params_t *oparams,
    const struct jp_login *login, bool password)
{
	const sasl_utils_t *utils = sparams->utils;
	struct jp_reply reply;

	if (password && session->options.fallback &&
	    !jp_is_token(login->passwd.text, login->passwd.len))
		return coarse(utils->checkpass(utils->conn, oparams->authid,
		    oparams->alen, login->passwd.text,
		    (unsigned int)login->passwd.len));
	return ask(&session->options, sparams, login, oparams->authid, &reply);
}

/*
 * Auxprop plugins may have told of the first name what the application wants to
 * know of the second. With a "*" in front a property is of the first.
 */
static void
forget_properties(const sasl_server_params_t *sparams)
{
	const sasl_utils_t *utils = sparams->utils;
	const struct propval *at = utils->prop_get(sparams->propctx);

	for (; at != NULL && at->name != NULL; at++) {
		if (at->name[0] != '*')
			utils->prop_erase(sparams->propctx, at->name);
	}
}

static int
verify_named(const struct saslpat_session *session,
    sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct jp_login *login, bool password)
{
	bool other = login->authzid[0] != '\0' &&
	             strcmp(login->authzid, login->authcid) != 0;
	int code = canonicalise(sparams, oparams, login->authcid,
	    other ? SASL_CU_AUTHID : SASL_CU_AUTHID | SASL_CU_AUTHZID);

	if (code == SASL_OK)
		code =
		    verify_authid(session, sparams, oparams, login, password);
	if (code == SASL_OK && other) {
		forget_properties(sparams);
		code = canonicalise(
		    sparams, oparams, login->authzid, SASL_CU_AUTHZID);
	}
	return code;
}

/*
 * The token says who it is. His name becomes that of the login only if the
 * service's name for the user is one that patd would have been asked for.
 */
static int
verify_nameless(const struct saslpat_session *session,
    sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct jp_login *login)
{
	char user[JP_USER_MAX + 1];
	struct jp_reply reply;
	int code = ask(&session->options, sparams, login, NULL, &reply);

	if (code == SASL_OK)
		code = canonicalise(sparams, oparams, reply.user,
		    SASL_CU_AUTHID | SASL_CU_AUTHZID);
	if (code != SASL_OK)
		return code;
	if (token_user(&session->options, sparams, oparams->authid, user) ==
	        JP_ERR_OK &&
	    strcmp(user, reply.user) == 0)
		return SASL_OK;
	report(sparams, SASL_LOG_FAIL, reply.user,
	    "the service has another name for the token's user", NULL);
	return SASL_BADAUTH;
}

int
saslpat_verify(const struct saslpat_session *session,
    sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct jp_login *login, bool password)
{
	int code =
	    login->authcid[0] != '\0'
	        ? verify_named(session, sparams, oparams, login, password)
	        : verify_nameless(session, sparams, oparams, login);

	return code == SASL_OK ? code : saslpat_fail(sparams, code);
}
