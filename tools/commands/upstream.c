/*
 * pat-admin upstream: the credentials that users have at the server behind the
 * proxy. One is given on standard input, sealed, and never shown again.
 */
#include "tools/commands/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/cli/output.h"
#include "tools/cli/secret_input.h"
#include "tools/cli/session.h"
#include "tools/cli/table.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/json_values.h"
#include "tools/formats/key_file.h"
#include "tools/formats/path_why.h"

static const char all_services[] = "*";

static struct upstream_args {
	const struct verb *verb; /* NULL: the first word is still to come */
	struct jp_admin_request request;
	bool has_service;
} args;

static enum jp_err set_prepare(struct context *context, struct jp_why *why);
static enum jp_err rekey_prepare(struct context *context, struct jp_why *why);
static enum jp_err rekey_finish(struct context *context, struct jp_why *why);

static const struct verb {
	const char *name;
	const char *done; /* in front of the user, when it is */
	enum jp_admin_op op;
	bool takes_user, needs_user, takes_service;
	/* Before patd is asked, as who runs this; NULL: nothing. */
	enum jp_err (*prepare)(struct context *context, struct jp_why *why);
	/* And after it has done it. */
	enum jp_err (*finish)(struct context *context, struct jp_why *why);
} verbs[] = {
	{ "set", "set", JP_ADMIN_SET_UPSTREAM, true, true, true, set_prepare,
	    NULL },
	{ "list", "", JP_ADMIN_UPSTREAMS, true, false, false, NULL, NULL },
	{ "remove", "removed", JP_ADMIN_REMOVE_UPSTREAM, true, true, true, NULL,
	    NULL },
	{ "rekey", "sealed again", JP_ADMIN_REKEY_UPSTREAM, false, false, false,
	    rekey_prepare, rekey_finish },
};

/* ---- arguments ---- */

static enum jp_err
take_verb(struct upstream_args *upstream, const char *word, struct jp_why *why)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, word) == 0)
			upstream->verb = &verbs[i];
	return upstream->verb != NULL
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_INVALID,
	                 "expected set, list, remove or rekey as the first "
	                 "argument");
}

static enum jp_err
take_word(void *arg, char *value, struct jp_why *why)
{
	struct upstream_args *upstream = arg;
	char *user = upstream->request.record.user;
	enum jp_err err;

	if (upstream->verb == NULL)
		return take_verb(upstream, value, why);
	if (!upstream->verb->takes_user)
		return jp_why(why, JP_ERR_INVALID, "%s takes no user",
		    upstream->verb->name);
	if (user[0] != '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "one user at a time: the secret is given on standard "
		    "input");
	err = jp_user_check(value, why);
	return err != JP_ERR_OK ? err
	                        : jp_field_set(user, JP_USER_MAX + 1, value);
}

static enum jp_err
take_service(void *arg, char *value, struct jp_why *why)
{
	struct upstream_args *upstream = arg;
	struct jp_request *question = &upstream->request.question;
	enum jp_err err =
	    jp_text_check("--service", value, JP_SERVICE_MAX, why);

	if (upstream->has_service)
		return jp_why(why, JP_ERR_INVALID, "--service is given twice");
	if (err == JP_ERR_OK && value[0] == '\0')
		err = jp_why(why, JP_ERR_INVALID,
		    "--service: expected the name of a service, or * for all");
	upstream->has_service = true;
	if (err != JP_ERR_OK || strcmp(value, all_services) == 0)
		return err;
	return jp_field_set(
	    question->service, sizeof(question->service), value);
}

static const struct cmd_option options[] = {
	CMD_CALL("--service", "SERVICE",
	    "set: for this service alone; remove: that of this service",
	    take_service),
};

static enum jp_err
check_args(struct jp_why *why)
{
	const struct verb *verb = args.verb;

	if (verb->needs_user && args.request.record.user[0] == '\0')
		return jp_why(
		    why, JP_ERR_INVALID, "%s: name a user", verb->name);
	if (args.has_service && !verb->takes_service)
		return jp_why(
		    why, JP_ERR_INVALID, "--service is for set and remove");
	return JP_ERR_OK;
}

/* ---- set ---- */

static enum jp_err
read_secret(struct jp_secret *secret, struct jp_why *why)
{
	static const struct secret_input input = {
		"The user's own token at the server, or user:token: ", "secret"
	};
	bool ended;
	enum jp_err err = secret_read_line(&input, secret, &ended, why);

	if (err == JP_ERR_OK && !secret_input_at_end())
		err = jp_why(why, JP_ERR_INVALID,
		    "standard input: expected a secret on one line, and there "
		    "are more");
	return err;
}

/* Allowed, and of no use. */
static void
warn_use(const struct jp_policy *policy)
{
	const char *service = args.request.question.service;
	const struct jp_rule *rule = jp_policy_rule(policy, service);
	bool used = service[0] == '\0'
	                ? jp_policy_shows_upstream(policy)
	                : rule != NULL && rule->upstream != JP_UPSTREAM_USE_NO;

	if (!used)
		(void)fprintf(stderr,
		    "pat-admin: upstream: %s has no `upstream = yes` in the "
		    "configuration: the credential is not used\n",
		    service[0] != '\0' ? service : "no service");
}

/* A key that is not there is made as by init, where this process may. */
static enum jp_err
set_prepare(struct context *context, struct jp_why *why)
{
	const char *path = context->settings.upstream_key_file;
	struct stat st;
	bool made = false;
	enum jp_err err = read_secret(&args.request.question.token, why);

	if (err != JP_ERR_OK)
		return err;
	warn_use(&context->settings.policy);
	if (lstat(path, &st) != 0 && errno == ENOENT)
		err = upstream_key_make(&context->settings, path, &made, why);
	if (made)
		upstream_key_told(path);
	return err;
}

/* ---- rekey ---- */

static void
next_path(const struct context *context, char path[JP_PATH_MAX + 8])
{
	(void)snprintf(path, JP_PATH_MAX + 8, "%s%s",
	    context->settings.upstream_key_file, JP_UPSTREAM_NEXT);
}

/* One that is there is of a run that was interrupted, which then goes on. */
static enum jp_err
rekey_prepare(struct context *context, struct jp_why *why)
{
	char path[JP_PATH_MAX + 8];
	bool made;

	next_path(context, path);
	return upstream_key_make(&context->settings, path, &made, why);
}

/* All is sealed with the next key: it takes the place of the key. */
static enum jp_err
rekey_finish(struct context *context, struct jp_why *why)
{
	const char *to = context->settings.upstream_key_file;
	char from[JP_PATH_MAX + 8];
	enum jp_err err = act_at(to, why);

	next_path(context, from);
	if (err == JP_ERR_OK && rename(from, to) != 0) {
		err = path_why(why, "rename", from);
		(void)fprintf(stderr,
		    "All is sealed with the new key: as root, run `mv %s %s`\n",
		    from, to);
	}
	if (err == JP_ERR_OK)
		err = sync_parent(to, why);
	act_as_self();
	if (err == JP_ERR_OK)
		upstream_key_told(to);
	return err;
}

/* ---- output ---- */

static const char *
service_of(const struct jp_upstream *one)
{
	return one->service[0] != '\0' ? one->service : all_services;
}

static json_t *
json_one(const struct jp_admin_item *item)
{
	const struct jp_upstream *one = &item->upstream;

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s}", "user", item->user.name,
	    "service", service_of(one), "kind",
	    jp_upstream_kind_name(one->kind), "state",
	    jp_upstream_state_name(item->upstream_state), "set_at",
	    json_time(one->set_at), "set_by", one->set_by);
}

static enum jp_err
take_item(void *arg, const struct jp_admin_item *item)
{
	struct listing *listing = arg;
	const struct jp_upstream *one = &item->upstream;
	const char *state = jp_upstream_state_text(item->upstream_state);
	char when[JP_WHEN_TEXT_MAX];
	const char *cells[] = { item->user.name, service_of(one),
		jp_upstream_kind_name(one->kind), when, one->set_by,
		state[0] != '\0' ? state : "ready" };

	if (item->kind != JP_ITEM_UPSTREAM)
		return JP_ERR_PROTOCOL;
	if (listing->json)
		return args.verb->op == JP_ADMIN_UPSTREAMS
		           ? listing_json(listing, json_one(item))
		           : output_json(json_one(item));
	jp_when_format(one->set_at, when);
	if (args.verb->op == JP_ADMIN_UPSTREAMS)
		return listing_row(listing, cells);
	(void)printf("%s %s at %s: %s%s%s\n",
	    item->changed ? args.verb->done : "cannot be opened:",
	    item->user.name, service_of(one), jp_upstream_kind_name(one->kind),
	    item->changed ? "" : ", ", item->changed ? "" : state);
	return JP_ERR_OK;
}

static enum jp_err
ask(struct context *context, struct jp_why *why)
{
	static const char *const heads[] = { "USER", "SERVICE", "KIND", "SET",
		"SET-BY", "STATE" };
	static struct listing listing = { .heads = heads,
		.columns = sizeof(heads) / sizeof(heads[0]) };
	struct session session;
	enum jp_err err = session_open(&session, context, why);

	if (err != JP_ERR_OK)
		return err;
	listing.json = context->json;
	err = session_run(&session, &args.request, take_item, &listing, why);
	session_close(&session);
	if (args.verb->op == JP_ADMIN_UPSTREAMS)
		listing_end(&listing, err == JP_ERR_OK);
	return err;
}

static enum status
run(struct context *context)
{
	const struct verb *verb = args.verb;
	struct jp_why why = { .text = "" };
	enum jp_err err = check_args(&why);

	args.request.op = verb->op;
	args.request.all = !args.has_service;
	if (err == JP_ERR_OK)
		err = context_load(context, &why);
	if (err == JP_ERR_OK && verb->prepare != NULL)
		err = verb->prepare(context, &why);
	if (err == JP_ERR_OK)
		err = ask(context, &why);
	if (err == JP_ERR_OK && verb->finish != NULL)
		err = verb->finish(context, &why);
	jp_secret_clear(&args.request.question.token);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

const struct command cmd_upstream = {
	.name = "upstream",
	.synopsis = "set|list|remove|rekey [USER] [--service SERVICE]",
	.help = "keep what users show the server behind the proxy",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 2,
	.word = CMD_CALL("VERB", NULL, NULL, take_word),
	.args = &args,
	.prints = true,
	.run = run,
};
