/*
 * pat-admin cluster join: this host becomes one of a cluster, with its tokens.
 * A store is filled with the newest snapshot beside the one that is there, and
 * takes its place once it is whole; what was changed since then patd fetches.
 */
#include "common/base/secret.h"
#include "tools/commands/cluster_import.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/formats/new_store.h"
#include "tools/formats/path_why.h"

struct joining {
	const struct context *context;
	const struct cluster_args *args;
	struct new_store making;
	struct jp_pepper pepper; /* of the cluster */
	uint8_t tag[JP_PEPPER_NAME_LEN];
	struct cluster_own own;
	bool has_none;          /* no pepper here */
	struct jp_position was; /* of the store that is there, or zero */
	struct cluster_link link;
	bool entered;
	struct cluster_store store; /* the new one */
	struct jp_chain chain;
	struct jp_walk walk;
	struct jp_link_snapshot first, last; /* parts of the snapshot */
	bool begun;
	struct progress progress;
	struct jp_why *why;
};

/* ---- the store that is there ---- */

static enum jp_err
check_own(struct joining *joining, const struct cluster_store *store)
{
	joining->was = store->position;
	if (joining->args->import || jp_position_is_set(&store->position) ||
	    cluster_own_empty(&joining->own))
		return JP_ERR_OK;
	return jp_why(joining->why, JP_ERR_EXISTS,
	    "%s has tokens or users of its own: --import adds them to the "
	    "cluster; to go without them, move the directory away",
	    joining->context->settings.store_dir);
}

/* What comes from a cluster, whole or not, is no tokens of its own. */
static enum jp_err
look_at_own(struct joining *joining)
{
	const struct jp_settings *settings = &joining->context->settings;
	struct cluster_store store;
	enum jp_err err;

	if (!jp_store_bdb_exists(settings->store_dir))
		return JP_ERR_OK;
	err = cluster_store_open(&store, settings, settings->store_dir,
	    settings->pepper_file, joining->why);
	if (err != JP_ERR_OK)
		return err;
	if (!jp_position_is_set(&store.position))
		err = cluster_own_read(&joining->own, &store, joining->why);
	if (err == JP_ERR_OK)
		err = check_own(joining, &store);
	cluster_store_close(&store);
	return err;
}

/*
 * Of a join that was killed when the pepper of the cluster had its place, and
 * the store had not: as if it had not begun.
 */
static enum jp_err
look_again(struct joining *joining, enum jp_err err)
{
	const char *path = joining->context->settings.pepper_file;
	struct jp_why said = *joining->why;
	struct place pepper;
	enum jp_err undone;

	if (!joining->has_none && !joining->making.same_pepper)
		return err; /* it is neither: who knows of which it is */
	undone = new_store_undo(&joining->making, &pepper);
	if (undone == JP_ERR_NOT_FOUND)
		return jp_why(joining->why, err, "%s", said.text);
	if (undone != JP_ERR_OK)
		return undone;
	joining->making.same_pepper = joining->has_none = false;
	(void)fprintf(stderr,
	    "An earlier join was interrupted: %s is again the one of the store "
	    "that is there%s%s.\n",
	    path, pepper.old[0] != '\0' ? "; the other one is " : "",
	    pepper.old);
	return look_at_own(joining);
}

/* ---- the pepper ---- */

static enum jp_err
load_pepper(struct joining *joining)
{
	const char *path = joining->context->settings.pepper_file;
	struct jp_pepper here = { .key = { 0 } };
	struct jp_why ignored;
	bool has_own = false;
	enum jp_err own = JP_ERR_MISSING;
	enum jp_err err = act_as(&joining->making.owner, joining->why);

	if (err == JP_ERR_OK)
		own = jp_pepper_load(path, &here, &ignored);
	has_own = own == JP_ERR_OK;
	joining->has_none = own == JP_ERR_MISSING;
	act_as_self();
	if (err == JP_ERR_OK && joining->args->pepper != NULL)
		err = jp_pepper_load(
		    joining->args->pepper, &joining->pepper, joining->why);
	else if (err == JP_ERR_OK && has_own)
		joining->pepper = here;
	else if (err == JP_ERR_OK)
		err = jp_why(joining->why, JP_ERR_MISSING,
		    "there is no %s: copy it from another host of the "
		    "cluster, and name the copy with --pepper",
		    path);
	joining->making.same_pepper =
	    has_own &&
	    sodium_memcmp(&here, &joining->pepper, sizeof(here)) == 0;
	jp_pepper_clear(&here);
	jp_pepper_name(&joining->pepper, joining->tag);
	return err;
}

/* Beside the one that is there, whose place it takes with the store. */
static enum jp_err
write_pepper(struct joining *joining)
{
	const struct jp_pepper *pepper = &joining->pepper;
	const char *path = joining->making.pepper.new;
	enum jp_err err = JP_ERR_OK;
	int fd;

	if (joining->making.same_pepper)
		return JP_ERR_OK;
	fd = new_store_file(&joining->making, path, 0400);
	if (fd < 0 ||
	    write(fd, pepper->key, sizeof(pepper->key)) !=
	        (ssize_t)sizeof(pepper->key) ||
	    fsync(fd) != 0)
		err = path_why(joining->why, "write", path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* ---- one that was a host before ---- */

/* That store is no tokens of its own, and may know what the cluster does not.
 */
static enum jp_err
explain_refused(
    const struct cluster_link *link, enum jp_err err, struct jp_why *why)
{
	struct jp_why said = *why;

	if (link->state.err != JP_ERR_CONFLICT)
		return err;
	return jp_why(why, err,
	    "%s; if that one is no more, `pat-admin cluster leave "
	    "--without-database` and then `pat-admin cluster join --import`, "
	    "or move the directory of the store away",
	    said.text);
}

static enum jp_err
compare(const struct joining *joining, const struct cluster_link *link)
{
	if (link->welcome.head >= joining->was.seq)
		return JP_ERR_OK;
	return jp_why(joining->why, JP_ERR_CONFLICT,
	    "the log in the database ends at %" PRIu64 ", and this host has "
	    "%" PRIu64 ": see \"The database lost its end\" in CLUSTER.md",
	    link->welcome.head, joining->was.seq);
}

/*
 * Its store is filled anew, as where the log no longer has what it lacks; but
 * only from the cluster that it is of, and if it knows nothing that is not
 * there.
 */
static enum jp_err
check_again(struct joining *joining)
{
	struct cluster_link link;
	struct jp_link_msg hello;
	enum jp_err err;

	if (!jp_position_is_set(&joining->was) ||
	    jp_position_is_filling(&joining->was))
		return JP_ERR_OK;
	cluster_link_hello(joining->context, &joining->was, &hello);
	err = cluster_link_open(&link, joining->context,
	    joining->args->clusterd, &hello, joining->why);
	while (err == JP_ERR_OK && !link.welcomed)
		err = cluster_link_next(&link, joining->why);
	if (err == JP_ERR_OK)
		err = compare(joining, &link);
	else if (cluster_link_is_forgotten(&link))
		err = JP_ERR_OK;
	else
		err = explain_refused(&link, err, joining->why);
	cluster_link_close(&link);
	return err;
}

/* ---- among the hosts ---- */

static enum jp_err
say_join(struct joining *joining)
{
	enum jp_err err = cluster_enter(
	    &joining->link, joining->context, joining->tag, joining->why);

	joining->entered = err == JP_ERR_OK || err == JP_ERR_TIMEOUT;
	return err;
}

static enum jp_err
explain(struct joining *joining, enum jp_err err)
{
	const struct context *context = joining->context;
	struct jp_why said = *joining->why;

	if (err == JP_ERR_EXISTS)
		return jp_why(joining->why, err,
		    "%s: name this one otherwise (node in [cluster]), or, if "
		    "that was this host before it was lost, `pat-admin "
		    "cluster leave %s` on another one",
		    said.text, context->settings.cluster.node);
	if (err == JP_ERR_REFUSED && joining->args->pepper == NULL)
		return jp_why(joining->why, err,
		    "this host has another pepper than the cluster: copy %s "
		    "from one of its hosts, and name the copy with --pepper",
		    context->settings.pepper_file);
	return err;
}

static enum jp_err
enter(struct joining *joining)
{
	static const char waiting[] =
	    "There is a host of this name: this waits until no lease of it "
	    "can be valid any more.";
	enum jp_err err = say_join(joining);

	if (err == JP_ERR_EXISTS && jp_position_is_set(&joining->was)) {
		(void)fprintf(stderr, "%s\n", waiting);
		err = cluster_say_leave(&joining->link,
		    joining->context->settings.cluster.node, NULL, NULL,
		    joining->why);
		if (err == JP_ERR_OK)
			err = say_join(joining);
	}
	if (err == JP_ERR_OK && !joining->link.welcomed)
		err = jp_why(joining->why, JP_ERR_PROTOCOL,
		    "pat-clusterd has not said which cluster it is");
	return explain(joining, err);
}

/* ---- the snapshot ---- */

/* Whether it is the one behind the last, and of the same snapshot. */
static bool
follows(const struct joining *joining, const struct jp_link_snapshot *part)
{
	if (!joining->begun)
		return part->part == 0;
	return part->part == joining->last.part + 1 &&
	       part->parts == joining->first.parts &&
	       part->seq == joining->first.seq &&
	       memcmp(part->mac, joining->first.mac, sizeof(part->mac)) == 0;
}

static enum jp_err
take_part(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes,
    struct jp_why *why)
{
	struct joining *joining = arg;
	const struct jp_link_snapshot *part = &msg->snapshot;
	enum jp_err err;

	if (msg->kind != JP_LINK_SNAPSHOT)
		return JP_ERR_OK;
	if (!follows(joining, part) ||
	    jp_chain_check_part(&joining->chain, part, bytes) != JP_ERR_OK)
		return jp_why(why, JP_ERR_CHECKSUM,
		    "part %" PRIu32 " of the snapshot in the database is not "
		    "what a host of this cluster has put there: nothing was "
		    "changed here",
		    part->part);
	if (!joining->begun)
		joining->first = *part;
	joining->begun = true;
	joining->last = *part;
	err = jp_store_fill(joining->store.store, &joining->walk, bytes,
	    part->len, part->part + 1 == part->parts);
	progress_show(&joining->progress, part->part + 1, part->parts);
	return cluster_store_why(joining->store.store, err, why);
}

static enum jp_err
fetch(struct joining *joining)
{
	struct jp_link_msg msg = { .kind = JP_LINK_SNAPSHOT_GET };
	enum jp_err err;

	progress_start(&joining->progress, "join", "parts");
	err = cluster_link_ask(
	    &joining->link, &msg, NULL, take_part, joining, joining->why);
	progress_end(&joining->progress);
	if (err == JP_ERR_NOT_FOUND ||
	    (err == JP_ERR_OK && (!joining->begun || joining->last.part + 1 !=
	                                                 joining->first.parts)))
		return jp_why(joining->why, JP_ERR_MISSING,
		    "there is no whole snapshot in the database: has the init "
		    "of the first host ended?");
	return err;
}

static enum jp_err
fill(struct joining *joining)
{
	struct jp_store *store = joining->store.store;
	struct jp_position filling = { .seq = 0 }, whole;
	enum jp_err err;

	memcpy(filling.cluster, joining->link.welcome.cluster,
	    sizeof(filling.cluster));
	jp_chain_init(&joining->chain, &joining->pepper, filling.cluster);
	err = cluster_store_why(
	    store, jp_store_place(store, NULL, &filling), joining->why);
	if (err == JP_ERR_OK)
		err = fetch(joining);
	jp_chain_clear(&joining->chain);
	if (err != JP_ERR_OK)
		return err;
	whole = filling;
	whole.seq = joining->first.seq;
	memcpy(whole.mac, joining->first.mac, sizeof(whole.mac));
	err = jp_store_place(store, &filling, &whole);
	if (err == JP_ERR_OK)
		joining->store.position = whole;
	return cluster_store_why(store, err, joining->why);
}

/* ---- the new store ---- */

static enum jp_err
create_as(struct joining *joining)
{
	struct jp_store_options options = {
		.dir = joining->making.store.new,
		.holder = joining->making.holder,
	};

	memcpy(options.tag, joining->tag, sizeof(options.tag));
	return jp_store_bdb_create(&options, joining->why);
}

static enum jp_err
create(struct joining *joining)
{
	enum jp_err err = act_as(&joining->making.owner, joining->why);

	if (err == JP_ERR_OK)
		err = create_as(joining);
	act_as_self();
	return err;
}

static enum jp_err
make_store(struct joining *joining)
{
	const struct jp_settings *settings = &joining->context->settings;
	const char *pepper = joining->making.same_pepper
	                         ? settings->pepper_file
	                         : joining->making.pepper.new;
	enum jp_err err = new_store_begin(&joining->making);

	if (err == JP_ERR_OK)
		err = write_pepper(joining);
	if (err == JP_ERR_OK)
		err = create(joining);
	if (err == JP_ERR_OK)
		err = cluster_store_open(&joining->store, settings,
		    joining->making.store.new, pepper, joining->why);
	if (err != JP_ERR_OK)
		return err;
	err = fill(joining);
	if (err == JP_ERR_OK && joining->args->import)
		err = cluster_import(&joining->own, joining->context,
		    joining->args, &joining->store, joining->why);
	cluster_store_close(&joining->store);
	return err;
}

/* A name that nobody bears would be waited for once, and keeps the log. */
static void
go_back(struct joining *joining)
{
	struct jp_why why = { .text = "" };

	if (joining->entered && cluster_abandon(&joining->link,
	                            joining->context, &why) != JP_ERR_OK)
		(void)fprintf(stderr,
		    "%s is a host of the cluster by now, which it should not "
		    "be: join again, or `pat-admin cluster leave` it on "
		    "another host (%s).\n",
		    joining->context->settings.cluster.node, why.text);
}

/*
 * Whether the name is this host's is asked once more when the new store is
 * there: a connection that was lost on the way held it no longer.
 */
static enum jp_err
swap(struct joining *joining)
{
	struct jp_why said;
	enum jp_err err = new_store_swap(&joining->making);

	if (err != JP_ERR_OK)
		return err;
	err = cluster_settle(&joining->link, joining->context, joining->why);
	if (err == JP_ERR_OK)
		return err;
	if (err == JP_ERR_CONFLICT) {
		new_store_take_back(&joining->making);
		return err;
	}
	joining->entered = false; /* not in vain */
	said = *joining->why;
	return jp_why(joining->why, err,
	    "%s has the tokens of the cluster, which was not told so: run "
	    "`pat-admin cluster join` again (%s)",
	    joining->making.store.path, said.text);
}

static enum jp_err
join_as(struct joining *joining)
{
	struct jp_link_msg hello;
	enum jp_err err;

	cluster_link_hello(joining->context, NULL, &hello);
	cluster_link_as_nobody(&hello);
	err = cluster_link_open(&joining->link, joining->context,
	    joining->args->clusterd, &hello, joining->why);
	if (err == JP_ERR_OK)
		err = enter(joining);
	if (err == JP_ERR_OK)
		err = make_store(joining);
	if (err == JP_ERR_OK)
		err = swap(joining);
	if (err != JP_ERR_OK)
		go_back(joining);
	cluster_link_close(&joining->link);
	new_store_end(&joining->making);
	if (err == JP_ERR_OK)
		cluster_tell(joining->context, &joining->making.owner,
		    "cluster-join", joining->link.welcome.cluster,
		    joining->context->settings.cluster.node);
	return err;
}

static enum jp_err
join(struct joining *joining)
{
	enum jp_err err = owner_of_store(
	    &joining->context->settings, &joining->making.owner, joining->why);

	if (err == JP_ERR_OK)
		err = load_pepper(joining);
	if (err == JP_ERR_OK) {
		err = look_at_own(joining);
		if (err == JP_ERR_MISSING ||
		    jp_store_is_of_another(err, joining->why))
			err = look_again(joining, err);
	}
	if (err == JP_ERR_OK)
		err = check_again(joining);
	if (err == JP_ERR_OK)
		err = join_as(joining);
	jp_pepper_clear(&joining->pepper);
	cluster_own_free(&joining->own);
	return err;
}

/* ---- the answer ---- */

static enum jp_err
print_json(const struct joining *joining, const char *id)
{
	const char *old = joining->making.store.old;
	json_t *json = json_pack("{s:s,s:s,s:I,s:o}", "cluster", id, "node",
	    joining->context->settings.cluster.node, "applied",
	    (json_int_t)joining->store.position.seq, "before",
	    old[0] != '\0' ? json_string(old) : json_null());

	if (joining->args->import)
		(void)json_object_set_new(json, "imported",
		    json_pack("{s:I,s:I,s:I}", "added",
		        (json_int_t)joining->own.added, "ended",
		        (json_int_t)joining->own.ended, "known",
		        (json_int_t)joining->own.known));
	return output_json(json);
}

static enum jp_err
print_done(const struct joining *joining)
{
	char id[CLUSTER_ID_TEXT];

	cluster_id_text(joining->link.welcome.cluster, id);
	if (joining->context->json)
		return print_json(joining, id);
	(void)printf("%s is a host of cluster %s\n",
	    joining->context->settings.cluster.node, id);
	if (joining->args->import)
		(void)printf("%" PRIu64 " added, %" PRIu64 " ended, %" PRIu64
		             " known already\n",
		    joining->own.added, joining->own.ended, joining->own.known);
	if (joining->making.store.old[0] != '\0')
		(void)printf(
		    "%s: what was there before\n", joining->making.store.old);
	(void)fputs("Start pat-clusterd and patd.\n", stderr);
	return JP_ERR_OK;
}

enum status
cluster_join(struct context *context, const struct cluster_args *args)
{
	static struct joining joining;
	static struct jp_why why;
	enum jp_err err = cluster_settings(context, &why);

	joining = (struct joining){
		.context = context,
		.args = args,
		.making = {
			.settings = &context->settings,
			.holder = "pat-admin cluster join",
			.suffix = NEW_STORE_JOIN,
			.takes_over = true, /* of its name */
			.lock_fd = -1,
			.why = &why,
		},
		.why = &why,
	};
	if (err == JP_ERR_OK)
		err = join(&joining);
	if (err == JP_ERR_OK)
		err = print_done(&joining);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}
