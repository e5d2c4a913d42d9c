/*
 * pat-admin cluster leave: this host, or another one that is gone, is none of
 * the cluster any more. This one first takes what it lacks of the log, and is
 * taken out of the database before it is a host of its own: others no longer
 * wait for it, and it holds no lease, as its patd does not run. What they had
 * changed until then it takes, too.
 */
#include "tools/commands/cluster_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"

struct leaving {
	const struct context *context;
	const struct cluster_args *args;
	struct cluster_store store;
	struct cluster_link link;
	struct jp_chain chain;
	bool entered; /* again, or perhaps */
	struct jp_why *why;
};

/* Where [cluster] is gone already, nobody knows it any more. */
static const char *
own_name(const struct context *context)
{
	const char *node = context->settings.cluster.node;

	return node[0] != '\0' ? node : "this host";
}

/* ---- another host ---- */

static enum jp_err
remove_other(struct context *context, const struct cluster_args *args,
    struct jp_why *why)
{
	struct cluster_link link;
	struct jp_link_msg hello;
	enum jp_err err;

	if (!jp_link_name_valid(args->node))
		return jp_why(why, JP_ERR_INVALID,
		    "that is no name of a node: see `pat-admin cluster "
		    "status`");
	if (strcmp(args->node, context->settings.cluster.node) == 0)
		return jp_why(why, JP_ERR_INVALID,
		    "this host is %s: to take it out, stop patd, and name no "
		    "node",
		    args->node);
	(void)fprintf(stderr,
	    "This waits until no lease of %s can be valid any more.\n",
	    args->node);
	cluster_link_hello(context, NULL, &hello);
	err = cluster_link_open(&link, context, args->clusterd, &hello, why);
	if (err == JP_ERR_OK)
		err = cluster_say_leave(&link, args->node, NULL, NULL, why);
	cluster_link_close(&link);
	return err;
}

/* ---- this host ---- */

static enum jp_err
check_store(const struct cluster_store *store, struct jp_why *why)
{
	if (!jp_position_is_set(&store->position))
		return jp_why(why, JP_ERR_NOT_FOUND,
		    "this store is in no cluster: remove [cluster] from the "
		    "configuration, if it is there");
	if (jp_position_is_filling(&store->position))
		return jp_why(why, JP_ERR_CONFIG,
		    "this store was being filled by a `cluster join` that did "
		    "not end, and is not whole: run that again, or `pat-admin "
		    "restore` a backup");
	return JP_ERR_OK;
}

/* Of all that comes only the batches count. */
static enum jp_err
take(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes,
    struct jp_why *why)
{
	struct leaving *leaving = arg;
	const struct jp_link_batch *batch = &msg->batch;
	struct jp_position to;
	enum jp_err err;

	if (msg->kind != JP_LINK_BATCH)
		return JP_ERR_OK;
	err = jp_chain_check(
	    &leaving->chain, &leaving->store.position, batch, bytes, &to);
	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "batch %" PRIu64 " of the database is not the one that "
		    "follows here: %s: it was changed, or is of another "
		    "cluster; --without-database leaves without it",
		    batch->seq, jp_err_text(err));
	err = jp_store_apply(leaving->store.store, bytes, batch->len, &to);
	if (err == JP_ERR_OK)
		leaving->store.position = to;
	return cluster_store_why(leaving->store.store, err, why);
}

/* Takes what the others have changed, up to there. */
static enum jp_err
catch_up(struct leaving *leaving, uint64_t head)
{
	struct cluster_link *link = &leaving->link;
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK && leaving->store.position.seq < head) {
		err = cluster_link_next(link, leaving->why);
		if (err == JP_ERR_OK)
			err = take(leaving, &link->reader.msg,
			    link->reader.bytes, leaving->why);
	}
	return err;
}

/* What came after this host was forgotten may be gone. */
static enum jp_err
check_log(struct leaving *leaving)
{
	const struct jp_link_welcome *welcome = &leaving->link.welcome;
	const uint64_t has = leaving->store.position.seq;

	if (has >= welcome->head || welcome->oldest <= has + 1)
		return JP_ERR_OK;
	return jp_why(leaving->why, JP_ERR_CONFLICT,
	    "the log in the database no longer has what this host lacks, from "
	    "%" PRIu64 ": `pat-admin cluster join` again, and then leave",
	    has + 1);
}

/* As far as they have by now. */
static enum jp_err
catch_up_first(struct leaving *leaving)
{
	struct cluster_link *link = &leaving->link;
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK && !link->welcomed)
		err = cluster_link_next(link, leaving->why);
	if (err == JP_ERR_OK)
		err = check_log(leaving);
	return err == JP_ERR_OK ? catch_up(leaving, link->welcome.head) : err;
}

/*
 * A change that somebody made before this host was out of the database holds
 * here, too: its command has returned, or will, and this host was one of those
 * that it is for.
 */
static enum jp_err
catch_up_last(struct leaving *leaving)
{
	struct jp_link_msg msg = { .kind = JP_LINK_STATUS };
	enum jp_err err;

	leaving->link.has_nodes = false;
	err = cluster_link_ask(
	    &leaving->link, &msg, NULL, take, leaving, leaving->why);
	if (err == JP_ERR_OK && !leaving->link.has_nodes)
		err = jp_why(leaving->why, JP_ERR_UNREACHABLE,
		    "the connection was lost when this host had left, and "
		    "before it had all that was changed until then");
	return err == JP_ERR_OK
	           ? catch_up(leaving, leaving->link.nodes.nodes.head)
	           : err;
}

static enum jp_err
say_goodbye(struct leaving *leaving)
{
	struct jp_link_msg hello;
	enum jp_err err;

	cluster_link_hello(leaving->context, &leaving->store.position, &hello);
	err = cluster_work_link(&leaving->link, leaving->context, leaving->args,
	    &leaving->store, &hello, leaving->why);
	if (err == JP_ERR_OK)
		err = catch_up_first(leaving);
	if (err == JP_ERR_OK)
		err = cluster_say_leave(&leaving->link,
		    leaving->context->settings.cluster.node, take, leaving,
		    leaving->why);
	if (err == JP_ERR_OK)
		err = catch_up_last(leaving);
	cluster_link_close(&leaving->link);
	return err;
}

/* ---- one that was forgotten ---- */

/* A leave of this name that was half done is ended, and nobody else's. */
static enum jp_err
end_leave(struct leaving *leaving, struct cluster_link *link, const char *node)
{
	const struct jp_link_nodes *nodes = &link->nodes.nodes;
	struct jp_link_msg msg = { .kind = JP_LINK_STATUS };
	enum jp_err err =
	    cluster_link_ask(link, &msg, NULL, NULL, NULL, leaving->why);
	bool gone = false;

	for (size_t i = 0;
	     err == JP_ERR_OK && link->has_nodes && i < nodes->len; i++)
		gone |=
		    strcmp(nodes->of[i].name, node) == 0 && nodes->of[i].gone;
	if (err != JP_ERR_OK)
		return err;
	if (!gone)
		return JP_ERR_EXISTS;
	return cluster_say_leave(link, node, NULL, NULL, leaving->why);
}

static enum jp_err
explain_name(enum jp_err err, const char *node, struct jp_why *why)
{
	struct jp_why said = *why;

	if (err != JP_ERR_EXISTS && err != JP_ERR_BUSY)
		return err;
	return jp_why(why, err,
	    "the database has forgotten this host, and %s is another host by "
	    "now (%s): give this one another name (node in [cluster]), "
	    "`pat-admin cluster join`, and then leave",
	    node, said.text);
}

static enum jp_err
enter(struct leaving *leaving, struct cluster_link *link)
{
	enum jp_err err = cluster_enter(
	    link, leaving->context, leaving->store.tag, leaving->why);

	leaving->entered = err == JP_ERR_OK || err == JP_ERR_TIMEOUT;
	return err;
}

/* Under its name, as if it had just joined; not where another one has it. */
static enum jp_err
enter_again(struct leaving *leaving, struct cluster_link *link)
{
	const char *node = leaving->context->settings.cluster.node;
	enum jp_err err = enter(leaving, link);
	const struct jp_why said = *leaving->why;

	if (err == JP_ERR_EXISTS) {
		err = end_leave(leaving, link, node);
		if (err == JP_ERR_EXISTS)
			*leaving->why = said;
		else if (err == JP_ERR_OK)
			err = enter(leaving, link);
	}
	return explain_name(err, node, leaving->why);
}

/* A name that nobody bears keeps the log. */
static void
go_back(const struct leaving *leaving, struct cluster_link *link)
{
	struct jp_why ignored;

	(void)cluster_abandon(link, leaving->context, &ignored);
}

/*
 * A leave that was killed on its way, or somebody else's of this host: it comes
 * back for as long as it takes to hear what it has missed.
 */
static enum jp_err
say_goodbye_again(struct leaving *leaving)
{
	struct cluster_link link;
	struct jp_link_msg hello;
	enum jp_err err;

	cluster_link_hello(leaving->context, NULL, &hello);
	cluster_link_as_nobody(&hello);
	err = cluster_work_link(&link, leaving->context, leaving->args,
	    &leaving->store, &hello, leaving->why);
	if (err == JP_ERR_OK)
		err = enter_again(leaving, &link);
	if (err == JP_ERR_OK)
		err = say_goodbye(leaving);
	if (err != JP_ERR_OK && leaving->entered)
		go_back(leaving, &link);
	cluster_link_close(&link);
	return err;
}

static enum jp_err
be_out(struct leaving *leaving)
{
	enum jp_err err;

	jp_chain_init(&leaving->chain, &leaving->store.pepper,
	    leaving->store.position.cluster);
	err = say_goodbye(leaving);
	if (err != JP_ERR_OK && cluster_link_is_forgotten(&leaving->link))
		err = say_goodbye_again(leaving);
	jp_chain_clear(&leaving->chain);
	return err;
}

static enum jp_err
leave(struct leaving *leaving)
{
	const struct jp_settings *settings = &leaving->context->settings;
	enum jp_err err = cluster_store_open(&leaving->store, settings,
	    settings->store_dir, settings->pepper_file, leaving->why);

	if (err != JP_ERR_OK)
		return err;
	err = check_store(&leaving->store, leaving->why);
	if (err == JP_ERR_OK && !leaving->args->without_database)
		err = be_out(leaving);
	if (err == JP_ERR_OK)
		err = cluster_store_why(leaving->store.store,
		    jp_store_place(
		        leaving->store.store, &leaving->store.position, NULL),
		    leaving->why);
	cluster_store_close(&leaving->store);
	if (err == JP_ERR_OK)
		cluster_tell(leaving->context, &leaving->store.owner,
		    "cluster-leave", leaving->store.position.cluster,
		    own_name(leaving->context));
	return err;
}

/* ---- the answer ---- */

static enum jp_err
print_done(const struct context *context, const char *node, bool other)
{
	if (context->json)
		return output_json(json_pack("{s:s}", "left", node));
	(void)printf("%s has left\n", node);
	if (!other)
		(void)fputs("This host is a single one again, with all that it "
		            "has: remove [cluster] from its configuration, "
		            "then start patd.\n",
		    stderr);
	return JP_ERR_OK;
}

/* Of an error that the database has a part in. */
static void
suggest(enum jp_err err)
{
	if (err == JP_ERR_UNREACHABLE || err == JP_ERR_TIMEOUT ||
	    err == JP_ERR_CONFIG || err == JP_ERR_CHECKSUM ||
	    err == JP_ERR_CONFLICT || err == JP_ERR_EXISTS ||
	    err == JP_ERR_BUSY)
		(void)fputs("If that cannot be mended: `pat-admin cluster "
		            "leave --without-database` leaves with what is "
		            "here, without what others have changed since.\n",
		    stderr);
}

static enum jp_err
leave_whichever(struct context *context, const struct cluster_args *args,
    struct jp_why *why)
{
	struct leaving leaving = {
		.context = context, .args = args, .why = why
	};

	return args->node != NULL ? remove_other(context, args, why)
	                          : leave(&leaving);
}

enum status
cluster_leave(struct context *context, const struct cluster_args *args)
{
	struct jp_why why = { .text = "" };
	enum status status;
	enum jp_err err = args->without_database
	                      ? context_load(context, &why)
	                      : cluster_settings(context, &why);

	if (err == JP_ERR_OK)
		err = leave_whichever(context, args, &why);
	if (err == JP_ERR_OK)
		err = print_done(context,
		    args->node != NULL ? args->node : own_name(context),
		    args->node != NULL);
	if (err == JP_ERR_OK)
		return STATUS_DONE;
	status = context_fail(context, err, &why);
	if (args->node == NULL && !args->without_database)
		suggest(err);
	return status;
}
