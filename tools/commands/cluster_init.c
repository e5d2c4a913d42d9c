/*
 * pat-admin cluster init: what this host has becomes the first state of a
 * cluster. The store is put into it last, so that an end in the middle leaves
 * a host of its own, and a schema that nobody uses.
 */
#include "tools/commands/cluster_work.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"

struct making {
	const struct context *context;
	struct cluster_store store;
	struct cluster_link link;
	struct jp_chain chain;
	struct jp_position start;
	struct jp_why *why;
};

static enum jp_err
check_store(const struct cluster_store *store, struct jp_why *why)
{
	if (!jp_position_is_set(&store->position))
		return JP_ERR_OK;
	if (jp_position_is_filling(&store->position))
		return jp_why(why, JP_ERR_EXISTS,
		    "this store was being filled by a `cluster join` that did "
		    "not end: run that again");
	return jp_why(why, JP_ERR_EXISTS,
	    "this store is in a cluster already: see `pat-admin cluster "
	    "status`, or `pat-admin cluster leave` it");
}

/* What an administrator may do about a schema that is there. */
static enum jp_err
explain(enum jp_err err, struct jp_why *why)
{
	struct jp_why said = *why;

	if (err != JP_ERR_EXISTS && err != JP_ERR_DAMAGED)
		return err;
	return jp_why(why, err,
	    "%s%s; if no host uses it any more, remove it with DROP SCHEMA "
	    "jira_pat CASCADE, and try again",
	    said.text,
	    err == JP_ERR_EXISTS
	        ? ": to become one of its hosts, `pat-admin cluster join`"
	        : "");
}

static enum jp_err
create(struct making *making)
{
	struct jp_link_msg msg = { .kind = JP_LINK_CREATE };
	uint8_t id[JP_CLUSTER_ID_LEN];

	randombytes_buf(id, sizeof(id));
	jp_chain_init(&making->chain, &making->store.pepper, id);
	jp_chain_start(&making->chain, &making->start);
	memcpy(msg.create.cluster, id, sizeof(id));
	memcpy(msg.create.tag, making->store.tag, sizeof(msg.create.tag));
	memcpy(msg.create.mac, making->start.mac, sizeof(msg.create.mac));
	return explain(cluster_link_ask(
	                   &making->link, &msg, NULL, NULL, NULL, making->why),
	    making->why);
}

/* What is done with each part; `number` from 0. */
typedef enum jp_err (*take_part)(struct making *making,
    const struct jp_batch *part, uint32_t number, uint32_t parts);

/* Nobody writes meanwhile: two walks have the same parts. */
static enum jp_err
each_part(
    struct making *making, take_part take, uint32_t parts, uint32_t *count)
{
	struct jp_walk walk = { .ended = false };
	enum jp_err err = JP_ERR_OK;

	for (*count = 0; err == JP_ERR_OK && !walk.ended; (*count)++) {
		struct jp_batch part;

		err = jp_batch_start(&part);
		if (err == JP_ERR_OK)
			err = jp_store_walk(
			    making->store.store, &walk, &part, CLUSTER_PART);
		err = cluster_store_why(making->store.store, err, making->why);
		if (err == JP_ERR_OK && take != NULL)
			err = take(making, &part, *count, parts);
		jp_batch_free(&part);
	}
	return err;
}

static enum jp_err
put_part(struct making *making, const struct jp_batch *part, uint32_t number,
    uint32_t parts)
{
	struct jp_link_msg msg = { .kind = JP_LINK_SNAPSHOT_PUT };
	struct jp_link_snapshot *snapshot = &msg.snapshot;

	snapshot->seq = making->start.seq;
	memcpy(snapshot->mac, making->start.mac, sizeof(snapshot->mac));
	snapshot->parts = parts;
	snapshot->part = number;
	snapshot->len = (uint32_t)part->len;
	jp_chain_part(&making->chain, snapshot, part->bytes);
	return cluster_link_ask(
	    &making->link, &msg, part->bytes, NULL, NULL, making->why);
}

static enum jp_err
put_snapshot(struct making *making)
{
	uint32_t parts, ignored;
	enum jp_err err = each_part(making, NULL, 0, &parts);

	return err == JP_ERR_OK ? each_part(making, put_part, parts, &ignored)
	                        : err;
}

/*
 * Not before the store is in the cluster: until then whoever runs init makes
 * another one of what is there.
 */
static enum jp_err
settle(struct making *making)
{
	enum jp_err err =
	    cluster_settle(&making->link, making->context, making->why);

	/* What the database was not told now it hears of patd. */
	if (err != JP_ERR_CONFLICT)
		return JP_ERR_OK;
	(void)jp_store_place(making->store.store, &making->start, NULL);
	return err;
}

static enum jp_err
make_cluster(struct making *making)
{
	enum jp_err err = create(making);

	if (err == JP_ERR_OK)
		err = put_snapshot(making);
	if (err == JP_ERR_OK)
		err = cluster_enter(&making->link, making->context,
		    making->store.tag, making->why);
	if (err == JP_ERR_OK)
		err = cluster_store_why(making->store.store,
		    jp_store_place(making->store.store, NULL, &making->start),
		    making->why);
	if (err == JP_ERR_OK)
		err = settle(making);
	jp_chain_clear(&making->chain);
	return err;
}

static enum jp_err
init(struct making *making, const struct cluster_args *args)
{
	const struct jp_settings *settings = &making->context->settings;
	struct jp_link_msg hello;
	enum jp_err err = cluster_store_open(&making->store, settings,
	    settings->store_dir, settings->pepper_file, making->why);

	if (err != JP_ERR_OK)
		return err;
	err = check_store(&making->store, making->why);
	if (err == JP_ERR_OK) {
		cluster_link_hello(making->context, NULL, &hello);
		err = cluster_work_link(&making->link, making->context, args,
		    &making->store, &hello, making->why);
		if (err == JP_ERR_OK)
			err = make_cluster(making);
		cluster_link_close(&making->link);
	}
	cluster_store_close(&making->store);
	if (err == JP_ERR_OK)
		cluster_tell(making->context, &making->store.owner,
		    "cluster-init", making->start.cluster,
		    settings->cluster.node);
	return err;
}

static enum jp_err
print_done(const struct making *making)
{
	const char *node = making->context->settings.cluster.node;
	char id[CLUSTER_ID_TEXT];

	cluster_id_text(making->start.cluster, id);
	if (making->context->json)
		return output_json(
		    json_pack("{s:s,s:s}", "cluster", id, "node", node));
	(void)printf("cluster %s, with %s as its first host\n", id, node);
	(void)fputs("Start pat-clusterd and patd, then `pat-admin cluster "
	            "join` on the other hosts.\n",
	    stderr);
	return JP_ERR_OK;
}

enum status
cluster_init(struct context *context, const struct cluster_args *args)
{
	struct jp_why why = { .text = "" };
	struct making making = { .context = context, .why = &why };
	enum jp_err err = cluster_settings(context, &why);

	if (err == JP_ERR_OK)
		err = init(&making, args);
	if (err == JP_ERR_OK)
		err = print_done(&making);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}
