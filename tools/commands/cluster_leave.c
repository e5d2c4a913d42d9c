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
	struct cluster_store store;
	struct cluster_link link;
	struct jp_chain chain;
	struct jp_why *why;
};

static void
make_leave(const char *node, struct jp_link_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->kind = JP_LINK_LEAVE;
	(void)snprintf(msg->leave.node, sizeof(msg->leave.node), "%s", node);
}

/* ---- another host ---- */

static enum jp_err
remove_other(struct context *context, const struct cluster_args *args,
    struct jp_why *why)
{
	struct cluster_link link;
	struct jp_link_msg hello, msg;
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
	make_leave(args->node, &msg);
	if (err == JP_ERR_OK)
		err = cluster_link_ask(&link, &msg, NULL, NULL, NULL, why);
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

/* As far as they have by now. */
static enum jp_err
catch_up_first(struct leaving *leaving)
{
	struct cluster_link *link = &leaving->link;
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK && !link->welcomed)
		err = cluster_link_next(link, leaving->why);
	return err == JP_ERR_OK ? catch_up(leaving, link->welcome.head) : err;
}

static enum jp_err
ask(struct leaving *leaving, struct jp_link_msg *msg)
{
	return cluster_link_ask(
	    &leaving->link, msg, NULL, take, leaving, leaving->why);
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
	err = ask(leaving, &msg);
	if (err == JP_ERR_OK && !leaving->link.has_nodes)
		err = jp_why(leaving->why, JP_ERR_UNREACHABLE,
		    "the connection was lost when this host had left, and "
		    "before it had all that was changed until then");
	return err == JP_ERR_OK
	           ? catch_up(leaving, leaving->link.nodes.nodes.head)
	           : err;
}

static enum jp_err
say_goodbye(struct leaving *leaving, const struct cluster_args *args)
{
	struct jp_link_msg hello, msg;
	enum jp_err err;

	jp_chain_init(&leaving->chain, &leaving->store.pepper,
	    leaving->store.position.cluster);
	cluster_link_hello(leaving->context, &leaving->store.position, &hello);
	err = cluster_work_link(&leaving->link, leaving->context, args,
	    &leaving->store, &hello, leaving->why);
	make_leave(leaving->context->settings.cluster.node, &msg);
	if (err == JP_ERR_OK)
		err = catch_up_first(leaving);
	if (err == JP_ERR_OK)
		err = ask(leaving, &msg);
	if (err == JP_ERR_OK)
		err = catch_up_last(leaving);
	cluster_link_close(&leaving->link);
	jp_chain_clear(&leaving->chain);
	return err;
}

static enum jp_err
leave(struct leaving *leaving, const struct cluster_args *args)
{
	const struct jp_settings *settings = &leaving->context->settings;
	enum jp_err err = cluster_store_open(&leaving->store, settings,
	    settings->store_dir, settings->pepper_file, leaving->why);

	if (err != JP_ERR_OK)
		return err;
	err = check_store(&leaving->store, leaving->why);
	if (err == JP_ERR_OK && !args->without_database)
		err = say_goodbye(leaving, args);
	if (err == JP_ERR_OK)
		err = cluster_store_why(leaving->store.store,
		    jp_store_place(
		        leaving->store.store, &leaving->store.position, NULL),
		    leaving->why);
	cluster_store_close(&leaving->store);
	if (err == JP_ERR_OK)
		cluster_tell(leaving->context, &leaving->store.owner,
		    "cluster-leave", leaving->store.position.cluster,
		    settings->cluster.node);
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
	    err == JP_ERR_CONFLICT)
		(void)fputs("If the database is lost, or has forgotten this "
		            "host: `pat-admin cluster leave "
		            "--without-database`.\n",
		    stderr);
}

static enum jp_err
leave_whichever(struct context *context, const struct cluster_args *args,
    struct jp_why *why)
{
	struct leaving leaving = { .context = context, .why = why };

	return args->node != NULL ? remove_other(context, args, why)
	                          : leave(&leaving, args);
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
		    args->node != NULL ? args->node
		                       : context->settings.cluster.node,
		    args->node != NULL);
	if (err == JP_ERR_OK)
		return STATUS_DONE;
	status = context_fail(context, err, &why);
	if (args->node == NULL && !args->without_database)
		suggest(err);
	return status;
}
