/*
 * pat-admin init: folders, pepper and databases, with the right owners and
 * modes. Whatever is there already is kept; where it would be dangerous to
 * take it over, init stops and says so.
 */
#include "common/sys/process.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/decide/core.h"
#include "common/store/bdb.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/key_file.h"

static enum jp_err
make_pepper(const struct jp_settings *settings, const struct owner *owner,
    struct jp_why *why)
{
	const char *path = settings->pepper_file;
	struct stat st;
	bool made;

	if (jp_store_bdb_exists(settings->store_dir) && lstat(path, &st) != 0 &&
	    errno == ENOENT)
		return jp_why(why, JP_ERR_CONFIG,
		    "the pepper file %s is missing, and %s was made with it: "
		    "put it back from a backup",
		    path, settings->store_dir);
	return key_file_make(path, owner, jp_pepper_create, &made, why);
}

/* Only where it is of use: others need not look after one more key. */
static enum jp_err
make_upstream_key(const struct jp_settings *settings, struct jp_why *why)
{
	const char *path = settings->upstream_key_file;
	bool made = false;
	enum jp_err err = JP_ERR_OK;

	if (jp_policy_shows_upstream(&settings->policy))
		err = upstream_key_make(settings, path, &made, why);
	if (made)
		upstream_key_told(path);
	return err;
}

static enum jp_err
make_store(const struct jp_settings *settings, struct jp_why *why)
{
	struct jp_store_options options = {
		.dir = settings->store_dir,
		.holder = "pat-admin init",
		.wait_ms = 3000,
	};
	struct jp_pepper pepper;
	enum jp_err err = jp_become(settings->user, why);

	if (err == JP_ERR_OK)
		err = jp_pepper_load(settings->pepper_file, &pepper, why);
	if (err != JP_ERR_OK)
		return err;
	jp_pepper_name(&pepper, options.tag);
	jp_pepper_clear(&pepper);
	if (jp_store_bdb_exists(settings->store_dir))
		return JP_ERR_EXISTS; /* and a patd may hold its lock */
	return jp_store_bdb_create(&options, why);
}

static enum jp_err
make_all(struct context *context, struct jp_why *why)
{
	const struct jp_settings *settings = &context->settings;
	struct owner owner;
	struct jp_why ignored;
	enum jp_err err = context_load(context, why);

	if (err == JP_ERR_OK)
		err = owner_of_store(settings, &owner, why);
	if (err == JP_ERR_OK)
		err = make_owned_folder(settings->store_dir, 0700, &owner, why);
	if (err == JP_ERR_OK)
		err = make_pepper(settings, &owner, why);
	if (err == JP_ERR_OK)
		err = make_upstream_key(settings, why);
	if (err == JP_ERR_OK)
		err = make_audit_folder(settings, &owner, why);
	if (err != JP_ERR_OK)
		return err;
	/* Best effort: it is gone at the next boot, and patd makes it, too. */
	(void)make_owned_folder(settings->run_dir, 0755, &owner, &ignored);
	return make_store(settings, why);
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = make_all(context, &why);

	if (err != JP_ERR_OK && err != JP_ERR_EXISTS)
		return context_fail(context, err, &why);
	(void)fprintf(stderr, "The store %s %s.\n", context->settings.store_dir,
	    err == JP_ERR_EXISTS ? "is already there" : "is made");
	return STATUS_DONE;
}

const struct command cmd_init = {
	.name = "init",
	.synopsis = "[OPTION]...",
	.help = "create the store, its pepper and directories; safe to repeat",
	.run = run,
};
