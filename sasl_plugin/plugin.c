/*
 * What libsasl2 calls: the entry point, and the table of mechanisms. It loads
 * every plugin of its directory into every program that uses it: so an
 * application whose configuration does not enable this one gets nothing.
 */
#include "config.h"

#include <string.h>

#include "sasl_plugin/internal.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * Of two mechanisms of one name libsasl2 takes the one whose flags sort first.
 * The strength of a hash is the last of them, and nothing else reads it: with
 * it ours comes before the PLAIN and LOGIN of Cyrus, whatever the order of the
 * files. A max_ssf would do that, too, and would tell a service that demands
 * encryption that there is some.
 */
#define SECURITY                                                               \
	(SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS |                    \
	    SASL_SET_HASH_STRENGTH_BITS(8))

static int
session_new(void *glob_context, sasl_server_params_t *sparams,
    const char *challenge, unsigned int challen, void **context)
{
	struct saslpat_session *session =
	    sparams->utils->malloc(sizeof(*session));

	(void)glob_context;
	(void)challenge;
	(void)challen;
	*context = NULL;
	if (session == NULL)
		return SASL_NOMEM;
	memset(session, 0, sizeof(*session));
	saslpat_options_read(sparams->utils, &session->options);
	if (session->options.wrong || !session->options.enable) {
		sparams->utils->free(session);
		return saslpat_fail(sparams, SASL_UNAVAIL);
	}
	*context = session;
	return SASL_OK;
}

static void
session_dispose(void *context, const sasl_utils_t *utils)
{
	if (context != NULL)
		utils->free(context);
}

#define ROW(name, step, flags)                                                 \
	[SASLPAT_##name] = {                                                   \
		.mech_name = #name,                                            \
		.security_flags = SECURITY,                                    \
		.features = (flags),                                           \
		.mech_new = session_new,                                       \
		.mech_step = saslpat_##step##_step,                            \
		.mech_dispose = session_dispose,                               \
	},
static const sasl_server_plug_t all[SASLPAT_COUNT] = { JP_SASL_MECHANISMS(
    ROW) };

/* libsasl2 keeps pointers into the list that it is given. */
static sasl_server_plug_t enabled[SASLPAT_COUNT];

sasl_server_plug_init_t sasl_server_plug_init;

/*
 * With a wrong option the mechanisms stay, and are not available: were they
 * gone, libsasl2 would give the tokens to its own PLAIN and LOGIN, and so to a
 * checker of passwords, or a service without those would refuse to start.
 */
EXPORT int
sasl_server_plug_init(const sasl_utils_t *utils, int max_version,
    int *out_version, sasl_server_plug_t **list, int *count)
{
	struct saslpat_options options;

	if (max_version < SASL_SERVER_PLUG_VERSION)
		return SASL_BADVERS;
	*out_version = SASL_SERVER_PLUG_VERSION;
	*list = enabled;
	*count = 0;
	saslpat_options_read(utils, &options);
	if (!options.enable && !options.wrong)
		return SASL_OK;
	for (size_t i = 0; i < SASLPAT_COUNT; i++) {
		if (options.mechanisms[i])
			enabled[(*count)++] = all[i];
	}
	return SASL_OK;
}
