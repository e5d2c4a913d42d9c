#include "pat_clusterd/advice.h"

#include <stddef.h>
#include <string.h>

/* What our own functions in the database refuse, and some of its own. It is
 * tried again after each. */
#define NOT_WHOLE                                                              \
	"the schema jira_pat is of another version of jira-pat, or not "       \
	"whole: install the same version on all hosts, or put it back as "     \
	"schema.sql has it"
static const struct {
	const char *sqlstate, *advice;
} advices[] = {
	{ "JP001", "run \"pat-admin cluster join\" on this host" },
	{ "JP003", "copy the pepper_file of a host of the cluster here" },
	{ "JP004", "\"pat-admin cluster leave\" removes one" },
	{ "JP006", "[cluster] conninfo has to name the database that the "
	           "store belongs to" },
	{ "JP007", "give one of them another node in [cluster], and run "
	           "\"pat-admin cluster join\" there" },
	{ "JP008",
	    "name this one otherwise (node in [cluster]); or, if that was "
	    "this host before it was lost or killed, try again in a "
	    "minute" },
	{ "JP009", "run \"pat-admin cluster join\" again, or see \"pat-admin "
	           "cluster status\" on another host" },
	{ "JP010",
	    "wait until that has ended, and then join it; or, if that "
	    "was this host before it was killed, try again in a minute" },
	{ "08P01", "conninfo has to name PostgreSQL itself, not a pooler" },
	{ "25006", "let it take changes: default_transaction_read_only" },
	{ "28000", "let the role in: pg_hba.conf of the database, and LOGIN of "
	           "the role" },
	{ "28P01", "write the password of the role into the passfile of "
	           "conninfo" },
	{ "3D000", "name the database of the cluster in conninfo: dbname" },
	{ "3F000", NOT_WHOLE },
	{ "42703", NOT_WHOLE },
	{ "42883", NOT_WHOLE },
	{ "42P01", NOT_WHOLE },
	{ "42501", "the role of [cluster] conninfo has to own the schema "
	           "jira_pat, and all that is in it: give back what it has "
	           "lost" },
	{ "53100", "make room on the disk of the database" },
	{ "53200", "the database needs more memory" },
	{ "53300", "raise max_connections of the database, or the limit of "
	           "the role; each host needs one, and pat-admin cluster one "
	           "more" },
	{ "57P01", "somebody has stopped the database, or ended this session; "
	           "it is tried again" },
	{ "57P02", "the log of the database says why it has crashed; there is "
	           "another try by itself" },
	{ "57P03", "wait until it has started, or start it again" },
	{ "58030", "the log of the database says more: is its disk well?" },
};

/*
 * What libpq says itself has no code: these are its words, and those of
 * OpenSSL, in the language of a process that has not set any, whatever the
 * server speaks. Each stays so until somebody mends it.
 */
#define NO_CLIENT_CERTIFICATE                                                  \
	"sslcert and sslkey in conninfo have to name a certificate for the "   \
	"role, and its key"
#define OTHER_KEY "sslkey in conninfo has to name the key of sslcert"
static const struct {
	const char *words, *advice;
} of_libpq[] = {
	{ "certificate authentication failed",
	    "the CN of the certificate in sslcert has to be the role, or "
	    "pg_ident.conf has to map it" },
	{ "requires a valid client certificate", NO_CLIENT_CERTIFICATE },
	{ "alert certificate required", NO_CLIENT_CERTIFICATE },
	{ "key values mismatch", OTHER_KEY },
	{ "but not private key file", OTHER_KEY },
	{ "could not load private key file",
	    "sslkey in conninfo has to name a key in PEM, without a password" },
	{ "could not read certificate file",
	    "sslcert in conninfo has to name a certificate in PEM" },
	{ "root certificate file",
	    "sslrootcert in conninfo has to name the certificate of the CA, "
	    "which the user of pat-clusterd can read" },
	{ "no password supplied",
	    "passfile in conninfo has to name a file with the password of the "
	    "role, which belongs to the user of pat-clusterd and has mode "
	    "0600" },
	{ "server does not support SSL",
	    "set \"ssl = on\" in postgresql.conf of this server" },
	{ "certificate verify failed",
	    "the certificate of this server has expired, or is of no CA in "
	    "sslrootcert, or is revoked by sslcrl, or that list has expired, "
	    "or a clock is wrong" },
	{ "does not match host name",
	    "host= has to be a name that stands in the certificate of this "
	    "server" },
	{ "alert certificate expired",
	    "the certificate in sslcert has expired" },
	{ "alert unknown ca",
	    "ssl_ca_file of this server has no CA that has signed sslcert" },
	{ "alert certificate revoked",
	    "the certificate in sslcert is revoked: ssl_crl_file of this "
	    "server has it" },
	{ "channel binding required",
	    "channel_binding=require in conninfo needs TLS, and "
	    "scram-sha-256 in pg_hba.conf" },
	{ "alert certificate", "" },
	{ "alert bad certificate", "" },
	{ "certificate file \"", "" },
	{ "private key", "" },
	{ "authentication method", "" },
};

/* NULL: none of them. */
static const char *
find_words(const char *text)
{
	for (size_t i = 0; i < sizeof(of_libpq) / sizeof(of_libpq[0]); i++)
		if (strstr(text, of_libpq[i].words) != NULL)
			return of_libpq[i].advice;
	return NULL;
}

const char *
advice_on(const char *text)
{
	const char *advice = find_words(text);

	return advice != NULL ? advice : "";
}

const char *
advice_of(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (strcmp(advices[i].sqlstate, sqlstate) == 0)
			return advices[i].advice;
	return "";
}

/* What pat-admin acts by. */
static const struct {
	const char *sqlstate;
	enum jp_err err;
} errors[] = {
	{ "JP001", JP_ERR_NOT_FOUND },
	{ "JP002", JP_ERR_EXISTS },
	{ "JP003", JP_ERR_REFUSED },
	{ "JP004", JP_ERR_OVERLOAD },
	{ "JP006", JP_ERR_CONFLICT },
	{ "JP008", JP_ERR_BUSY },
	{ "JP009", JP_ERR_CONFLICT },
	{ "JP010", JP_ERR_BUSY },
	{ "42501", JP_ERR_PERMISSION },
	/* Something is not there, or not so. */
	{ "3F000", JP_ERR_DAMAGED },
	{ "42703", JP_ERR_DAMAGED },
	{ "42883", JP_ERR_DAMAGED },
	{ "42P01", JP_ERR_DAMAGED },
};

enum jp_err
advice_err(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].sqlstate, sqlstate) == 0)
			return errors[i].err;
	return JP_ERR_IO;
}

/* The rest is tried again in any case; these only by who serves a host. */
static const char *const lasting_states[] = { "08P01", "28000", "28P01",
	"3D000", "42501" };

bool
advice_heals(const char *sqlstate, const char *text)
{
	for (size_t i = 0;
	     i < sizeof(lasting_states) / sizeof(lasting_states[0]); i++)
		if (strcmp(lasting_states[i], sqlstate) == 0)
			return false;
	return sqlstate[0] != '\0' || find_words(text) == NULL;
}
