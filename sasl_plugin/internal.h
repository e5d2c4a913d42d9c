/*
 * The parts of libjirapat: its options (options.c), what the mechanisms
 * say to a client and take from it (mechanisms.c), how a login is verified
 * (verify.c), and the table that libsasl2 reads (plugin.c). Which mechanisms
 * there are, common/wire/sasl_mechanisms.h lists.
 *
 * Nothing is kept between two connections, and nothing across fork(2): hosts
 * load the plugin as root and serve in children, in a chroot, or in many
 * threads at once. All of a login is in its session; a question to patd is
 * one connection to it.
 */
#ifndef JP_SASL_INTERNAL_H
#define JP_SASL_INTERNAL_H

#include <stdbool.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "common/wire/client.h"
#include "common/wire/realm.h"
#include "common/wire/sasl_mechanisms.h"
#include "common/wire/sasl_plain.h"

#define SASLPAT_ENUM(name, step, features) SASLPAT_##name,
enum saslpat_mechanism { JP_SASL_MECHANISMS(SASLPAT_ENUM) SASLPAT_COUNT };
#undef SASLPAT_ENUM

/* The options of the application's configuration; texts are libsasl2's. */
struct saslpat_options {
	const char *socket_path;
	int timeout_ms;
	enum jp_realm realm;
	bool enable;
	bool wrong;    /* one is malformed: nobody is let in */
	bool fallback; /* what is not a token is a password */
	bool mechanisms[SASLPAT_COUNT];
};

/*
 * Reads them; those that are missing have their default, and only the first is
 * read if it says no. Each malformed one is named in a log line.
 */
void saslpat_options_read(
    const sasl_utils_t *utils, struct saslpat_options *options);

/* One login, from its mechanism's first step to its last. */
struct saslpat_session {
	struct saslpat_options options;
	int stage;   /* how many times the client was asked */
	int failure; /* what a bearer mechanism ends with, or SASL_OK */
	char user[JP_USER_MAX + 1]; /* LOGIN: the answer to the first prompt */
};

typedef int mechanism_step(void *context, sasl_server_params_t *sparams,
    const char *in, unsigned int in_len, const char **out,
    unsigned int *out_len, sasl_out_params_t *oparams);

#define SASLPAT_STEP(name, step, features) mechanism_step saslpat_##step##_step;
JP_SASL_MECHANISMS(SASLPAT_STEP)
#undef SASLPAT_STEP

/*
 * Verifies `login` and sets the names in `oparams`: SASL_OK, or the code to
 * return, after a text for the client that says no more than this code.
 * An empty authcid stands for the owner of the token; with `password`, a text
 * that is not a token may be tried as a password.
 */
int saslpat_verify(const struct saslpat_session *session,
    sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct jp_login *login, bool password);

/* Sets the client's text for `code`, and returns it. */
int saslpat_fail(sasl_server_params_t *sparams, int code);

#endif
