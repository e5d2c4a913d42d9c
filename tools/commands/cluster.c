/*
 * pat-admin cluster: several hosts with one set of tokens. The first word says
 * what is to be done; one table knows what each means. Each action is a file.
 */
#include "tools/commands/cluster.h"

#include <string.h>

#include "tools/commands/commands.h"

/* The options that not every action takes. */
enum {
	TAKES_NODE = 1,
	TAKES_PEPPER = 2,
	TAKES_IMPORT = 4,
	TAKES_WITHOUT = 8,
	TAKES_PROMETHEUS = 16,
};

static struct cluster_args args;

static const struct cluster_verb {
	const char *name;
	unsigned int takes;
	enum status (*run)(
	    struct context *context, const struct cluster_args *args);
} verbs[] = {
	{ "init", 0, cluster_init },
	{ "join", TAKES_PEPPER | TAKES_IMPORT, cluster_join },
	{ "leave", TAKES_NODE | TAKES_WITHOUT, cluster_leave },
	{ "status", TAKES_PROMETHEUS, cluster_status },
};

static enum jp_err
take_word(void *arg, char *value, struct jp_why *why)
{
	struct cluster_args *cluster = arg;

	if (cluster->verb != NULL) {
		cluster->node = value;
		return JP_ERR_OK;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, value) == 0)
			cluster->verb = &verbs[i];
	if (cluster->verb != NULL)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "expected init, join, leave or status as the first argument");
}

static const struct cmd_option options[] = {
	CMD_TEXT("--clusterd", "FILE", "run FILE in place of " JP_CLUSTERD,
	    struct cluster_args, clusterd),
	CMD_FLAG("--import",
	    "join: add the tokens and users of this store to the cluster",
	    struct cluster_args, import),
	CMD_TEXT("--pepper", "FILE",
	    "join: take the pepper of the cluster from FILE",
	    struct cluster_args, pepper),
	CMD_FLAG("--prometheus", "status: print the text format of Prometheus",
	    struct cluster_args, prometheus),
	CMD_FLAG("--without-database", "leave: also where the database is lost",
	    struct cluster_args, without_database),
};

/* Which action has which. */
static enum jp_err
check_args(struct jp_why *why)
{
	const struct {
		bool given;
		unsigned int takes;
		const char *problem;
	} rows[] = {
		{ args.node != NULL, TAKES_NODE,
		    "only `cluster leave` takes the name of a node" },
		{ args.pepper != NULL, TAKES_PEPPER,
		    "--pepper is for `cluster join`" },
		{ args.import, TAKES_IMPORT, "--import is for `cluster join`" },
		{ args.without_database, TAKES_WITHOUT,
		    "--without-database is for `cluster leave`" },
		{ args.prometheus, TAKES_PROMETHEUS,
		    "--prometheus is for `cluster status`" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given && (args.verb->takes & rows[i].takes) == 0)
			return jp_why(
			    why, JP_ERR_INVALID, "%s", rows[i].problem);
	if (args.node != NULL && args.without_database)
		return jp_why(why, JP_ERR_INVALID,
		    "--without-database is for this host: it takes no node");
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = check_args(&why);

	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	return args.verb->run(context, &args);
}

const struct command cmd_cluster = {
	.name = "cluster",
	.synopsis = "init|join|leave|status [NODE] [OPTION]...",
	.help = "share the tokens with other hosts, through PostgreSQL",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 2,
	.word = CMD_CALL("ACTION", NULL, NULL, take_word),
	.args = &args,
	.prints = true,
	.run = run,
};
