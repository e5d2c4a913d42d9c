/*
 * The conversations. PLAIN (RFC 4616) is one message. LOGIN, which no
 * standard describes, asks for name and password one by one. OAUTHBEARER
 * (RFC 7628) and XOAUTH2 are one message, too; after a refusal they tell the
 * client so in JSON, and it has to answer before the login ends (RFC 7628
 * §3.2.3).
 */
#include "config.h"

#include <string.h>

#include "common/wire/sasl_bearer.h"
#include "common/base/text.h"
#include "sasl_plugin/internal.h"

/* Sends `text`, of static storage, and waits for the client's answer. */
static int
prompt(const char *text, const char **out, unsigned int *out_len)
{
	*out = text;
	*out_len = (unsigned int)strlen(text);
	return SASL_CONTINUE;
}

/* RFC 4422 §3.7: no security layer. */
static int
done(sasl_out_params_t *oparams)
{
	oparams->doneflag = 1;
	oparams->mech_ssf = 0;
	oparams->maxoutbuf = 0;
	oparams->encode_context = NULL;
	oparams->encode = NULL;
	oparams->decode_context = NULL;
	oparams->decode = NULL;
	oparams->param_version = 0;
	return SASL_OK;
}

/* A malformed message is another error than a malformed field. */
static int
malformed(sasl_server_params_t *sparams, enum jp_err err)
{
	return saslpat_fail(sparams,
	    err == JP_ERR_TRUNCATED || err == JP_ERR_TRAILING ? SASL_BADPROT
	                                                      : SASL_BADAUTH);
}

static int
finish(const struct saslpat_session *session, sasl_server_params_t *sparams,
    sasl_out_params_t *oparams, struct jp_login *login, bool password)
{
	int code = saslpat_verify(session, sparams, oparams, login, password);

	jp_login_clear(login);
	return code == SASL_OK ? done(oparams) : code;
}

int
saslpat_plain_step(void *context, sasl_server_params_t *sparams, const char *in,
    unsigned int in_len, const char **out, unsigned int *out_len,
    sasl_out_params_t *oparams)
{
	struct jp_login login;
	enum jp_err err = jp_plain_parse(in_len > 0 ? in : "", in_len, &login);

	*out = NULL;
	*out_len = 0;
	if (err != JP_ERR_OK)
		return malformed(sparams, err);
	return finish(context, sparams, oparams, &login, true);
}

static int
login_password(const struct saslpat_session *session,
    sasl_server_params_t *sparams, const char *in, unsigned int in_len,
    sasl_out_params_t *oparams)
{
	struct jp_login login = { .authzid = "" };
	enum jp_err err = jp_passwd_set(&login.passwd, in, in_len);

	if (err != JP_ERR_OK)
		return malformed(sparams, err);
	memcpy(login.authcid, session->user, sizeof(login.authcid));
	return finish(session, sparams, oparams, &login, true);
}

/* Some clients send the name at once. */
int
saslpat_login_step(void *context, sasl_server_params_t *sparams, const char *in,
    unsigned int in_len, const char **out, unsigned int *out_len,
    sasl_out_params_t *oparams)
{
	struct saslpat_session *session = context;
	enum jp_err err;

	*out = NULL;
	*out_len = 0;
	if (session->stage == 0 && in_len == 0) {
		session->stage = 1;
		return prompt("Username:", out, out_len);
	}
	if (session->stage < 2) {
		session->stage = 2;
		err = jp_name_set(session->user, sizeof(session->user),
		    in_len > 0 ? in : "", in_len);
		return err == JP_ERR_OK ? prompt("Password:", out, out_len)
		                        : malformed(sparams, err);
	}
	if (session->user[0] == '\0') /* it was refused */
		return saslpat_fail(sparams, SASL_BADPROT);
	return login_password(
	    session, sparams, in_len > 0 ? in : "", in_len, oparams);
}

typedef enum jp_err
parse_bearer(const char *message, size_t len, struct jp_login *login);

/*
 * Acceptance, and "not now", end the login at once; a refusal is followed by
 * `denied`, or by `invalid` if the message was malformed.
 */
static int
bearer_step(struct saslpat_session *session, sasl_server_params_t *sparams,
    const char *in, unsigned int in_len, const char **out,
    unsigned int *out_len, sasl_out_params_t *oparams, parse_bearer *parse,
    const char *denied, const char *invalid)
{
	struct jp_login login;

	*out = NULL;
	*out_len = 0;
	if (session->failure != SASL_OK)
		return saslpat_fail(sparams, session->failure);
	if (parse(in_len > 0 ? in : "", in_len, &login) != JP_ERR_OK) {
		session->failure = SASL_BADPROT;
		return prompt(invalid, out, out_len);
	}
	session->failure = finish(session, sparams, oparams, &login, false);
	return session->failure == SASL_BADAUTH ? prompt(denied, out, out_len)
	                                        : session->failure;
}

int
saslpat_oauthbearer_step(void *context, sasl_server_params_t *sparams,
    const char *in, unsigned int in_len, const char **out,
    unsigned int *out_len, sasl_out_params_t *oparams)
{
	return bearer_step(context, sparams, in, in_len, out, out_len, oparams,
	    jp_oauthbearer_parse, "{\"status\":\"invalid_token\"}",
	    "{\"status\":\"invalid_request\"}");
}

int
saslpat_xoauth2_step(void *context, sasl_server_params_t *sparams,
    const char *in, unsigned int in_len, const char **out,
    unsigned int *out_len, sasl_out_params_t *oparams)
{
	return bearer_step(context, sparams, in, in_len, out, out_len, oparams,
	    jp_xoauth2_parse, "{\"status\":\"401\",\"schemes\":\"bearer\"}",
	    "{\"status\":\"400\",\"schemes\":\"bearer\"}");
}
