#include "tools/commands/cluster_work.h"

#include <stdio.h>
#include <string.h>

#include "tools/formats/trail_tell.h"

enum {
	LOCK_MS = 3000, /* a patd that is just leaving */
	SETTLE_MAX = 3, /* tries, while the connection is lost on the way */
};

enum jp_err
cluster_settings(struct context *context, struct jp_why *why)
{
	const struct jp_settings *settings = &context->settings;
	enum jp_err err = context_load(context, why);

	if (err == JP_ERR_OK && !settings->cluster.configured)
		err = jp_why(why, JP_ERR_CONFIG,
		    "%s has no section [cluster]: write it first, see "
		    "jira-pat.conf(5)",
		    settings->file[0] != '\0' ? settings->file
		                              : JP_CONFIG_FILE);
	return err;
}

enum jp_err
cluster_store_why(struct jp_store *store, enum jp_err err, struct jp_why *why)
{
	struct jp_why said = { .text = "" };

	if (err == JP_ERR_OK)
		return err;
	jp_store_why(store, &said);
	return jp_why(why, err, "the store: %s",
	    said.text[0] != '\0' ? said.text : jp_err_text(err));
}

static enum jp_err
open_as(struct cluster_store *store, const char *dir, const char *pepper_file,
    struct jp_why *why)
{
	struct jp_store_options options = {
		.dir = dir,
		.holder = "pat-admin cluster",
		.wait_ms = LOCK_MS,
	};
	enum jp_err err = jp_pepper_load(pepper_file, &store->pepper, why);

	if (err != JP_ERR_OK)
		return err;
	jp_pepper_name(&store->pepper, store->tag);
	memcpy(options.tag, store->tag, sizeof(options.tag));
	err = jp_store_bdb_open(&options, &store->store, why);
	if (err != JP_ERR_OK) {
		store->store = NULL;
		return jp_store_is_of_another(err, why)
		           ? jp_pepper_explain(pepper_file, err, why)
		           : err;
	}
	err = jp_store_position(store->store, &store->position);
	return cluster_store_why(store->store, err, why);
}

enum jp_err
cluster_store_open(struct cluster_store *store,
    const struct jp_settings *settings, const char *dir,
    const char *pepper_file, struct jp_why *why)
{
	enum jp_err err;

	memset(store, 0, sizeof(*store));
	err = owner_of_store(settings, &store->owner, why);
	if (err == JP_ERR_OK)
		err = act_as(&store->owner, why);
	if (err == JP_ERR_OK)
		err = open_as(store, dir, pepper_file, why);
	if (err != JP_ERR_OK)
		cluster_store_close(store);
	return err;
}

void
cluster_store_close(struct cluster_store *store)
{
	jp_store_close(store->store);
	store->store = NULL;
	jp_pepper_clear(&store->pepper);
	act_as_self();
}

enum jp_err
cluster_work_link(struct cluster_link *link, const struct context *context,
    const struct cluster_args *args, const struct cluster_store *store,
    const struct jp_link_msg *hello, struct jp_why *why)
{
	enum jp_err err, again = JP_ERR_OK;

	act_as_self();
	err = cluster_link_open(link, context, args->clusterd, hello, why);
	if (store->store != NULL)
		again = act_as(&store->owner, why);
	return err == JP_ERR_OK ? again : err;
}

enum jp_err
cluster_enter(struct cluster_link *link, const struct context *context,
    const uint8_t tag[JP_PEPPER_NAME_LEN], struct jp_why *why)
{
	struct jp_link_msg msg = { .kind = JP_LINK_JOIN };

	(void)snprintf(msg.join.node, sizeof(msg.join.node), "%s",
	    context->settings.cluster.node);
	memcpy(msg.join.tag, tag, sizeof(msg.join.tag));
	return cluster_link_ask(link, &msg, NULL, NULL, NULL, why);
}

static enum jp_err
ask_of_node(struct cluster_link *link, enum jp_link_kind kind, const char *node,
    cluster_link_take take, void *arg, struct jp_why *why)
{
	struct jp_link_msg msg = { .kind = kind };

	(void)snprintf(msg.of_node.node, sizeof(msg.of_node.node), "%s", node);
	return cluster_link_ask(link, &msg, NULL, take, arg, why);
}

/* That it is said twice does no harm. */
enum jp_err
cluster_settle(struct cluster_link *link, const struct context *context,
    struct jp_why *why)
{
	enum jp_err err = JP_ERR_TIMEOUT;

	for (int i = 0; i < SETTLE_MAX && err == JP_ERR_TIMEOUT; i++) {
		cluster_link_hurry(link);
		err = ask_of_node(link, JP_LINK_SETTLE,
		    context->settings.cluster.node, NULL, NULL, why);
	}
	return err;
}

enum jp_err
cluster_abandon(struct cluster_link *link, const struct context *context,
    struct jp_why *why)
{
	cluster_link_hurry(link);
	return ask_of_node(link, JP_LINK_ABANDON,
	    context->settings.cluster.node, NULL, NULL, why);
}

enum jp_err
cluster_say_leave(struct cluster_link *link, const char *node,
    cluster_link_take take, void *arg, struct jp_why *why)
{
	return ask_of_node(link, JP_LINK_LEAVE, node, take, arg, why);
}

void
cluster_tell(const struct context *context, const struct owner *owner,
    const char *name, const uint8_t id[JP_CLUSTER_ID_LEN], const char *node)
{
	char text[CLUSTER_ID_TEXT], detail[CLUSTER_ID_TEXT + 64 + 32];

	cluster_id_text(id, text);
	(void)snprintf(detail, sizeof(detail), "%s, cluster %s", node, text);
	trail_tell(&context->settings, owner, name, detail);
}
