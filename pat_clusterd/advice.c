#include "pat_clusterd/advice.h"

#include <stddef.h>
#include <string.h>

/* What our own functions in the database refuse, and some of its own. */
#define NOT_WHOLE                                                              \
	"somebody has changed the schema jira_pat: put it back as schema.sql " \
	"has it"
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
	{ "25006", "let it take changes: default_transaction_read_only" },
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
	           "the role" },
};

const char *
advice_of(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (strcmp(advices[i].sqlstate, sqlstate) == 0)
			return advices[i].advice;
	return "";
}
