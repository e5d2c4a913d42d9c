/*
 * Changes records as no command does, through the code of the store, while no
 * patd runs:
 *
 *     record_edit CONFIG untag ID...   takes away the fast tag, as if the
 *                                      secret came from elsewhere
 *     record_edit CONFIG delete ID...  deletes the record
 *     record_edit CONFIG rehash ID...  another salt: nothing fits the hash
 *     record_edit CONFIG child=PARENT ID...  a child of that id
 *     record_edit CONFIG uses=NUMBER ID...   may be used so often
 *     record_edit CONFIG unclaim ID...  it waits to be fetched: no secret
 *     record_edit CONFIG disable ID...
 *     record_edit CONFIG expire ID...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decide/core.h"
#include "common/decide/open.h"
#include "common/sys/process.h"

enum {
	WAIT_MS = 10000, /* for a patd that is just leaving */
};

static void
untag(struct jp_record *record, const char *value)
{
	(void)value;
	record->has_fast_tag = false;
	memset(record->fast_tag, 0, sizeof(record->fast_tag));
}

static void
rehash(struct jp_record *record, const char *value)
{
	char *salt = strchr(record->phc, 'p'); /* m=...,t=...,p=1$SALT$HASH */

	(void)value;
	salt = salt != NULL ? strchr(salt, '$') : NULL;
	if (salt != NULL)
		salt[1] = salt[1] == 'A' ? 'B' : 'A';
}

static void
child(struct jp_record *record, const char *value)
{
	(void)jp_field_set(record->parent, sizeof(record->parent), value);
}

static void
uses(struct jp_record *record, const char *value)
{
	record->uses_max = (uint32_t)strtoul(value, NULL, 10);
	record->uses_left = record->uses_max;
}

static void
unclaim(struct jp_record *record, const char *value)
{
	untag(record, value);
	memset(record->phc, 0, sizeof(record->phc));
	record->claim_until = INT64_MAX;
}

static void
disable(struct jp_record *record, const char *value)
{
	(void)value;
	record->disabled_at = record->created_at;
}

static void
expire(struct jp_record *record, const char *value)
{
	(void)value;
	record->expires_at = record->created_at;
}

static const struct edit {
	const char *name;
	enum jp_change_kind kind;
	/* With what follows "="; NULL: nothing to do. */
	void (*apply)(struct jp_record *record, const char *value);
} edits[] = {
	{ "untag", JP_CHANGE_REPLACE, untag },
	{ "delete", JP_CHANGE_DELETE, NULL },
	{ "rehash", JP_CHANGE_REPLACE, rehash },
	{ "child", JP_CHANGE_REPLACE, child },
	{ "uses", JP_CHANGE_REPLACE, uses },
	{ "unclaim", JP_CHANGE_REPLACE, unclaim },
	{ "disable", JP_CHANGE_REPLACE, disable },
	{ "expire", JP_CHANGE_REPLACE, expire },
};

/* `word` is "NAME" or "NAME=VALUE"; it is cut. */
static const struct edit *
find_edit(char *word, const char **value)
{
	size_t len = strcspn(word, "=");

	*value = word[len] == '=' ? &word[len + 1] : &word[len];
	word[len] = '\0';
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		if (strcmp(edits[i].name, word) == 0)
			return &edits[i];
	return NULL;
}

static enum jp_err
edit_one(struct jp_core *core, const struct edit *edit, const char *value,
    const char *id)
{
	struct jp_record record;
	const struct jp_change change = { edit->kind, &record };
	enum jp_err err = jp_store_get(core->store, id, &record);

	if (err != JP_ERR_OK)
		return err;
	if (edit->apply != NULL)
		edit->apply(&record, value);
	return jp_store_commit(core->store, &change, 1);
}

int
main(int argc, char **argv)
{
	const char *value = "";
	const struct edit *edit = argc > 3 ? find_edit(argv[2], &value) : NULL;
	struct jp_settings settings;
	struct jp_why why = { .text = "" };
	struct jp_core core;
	enum jp_err err;

	if (edit == NULL) {
		(void)fprintf(
		    stderr, "usage: record_edit CONFIG EDIT[=VALUE] ID...\n");
		return 2;
	}
	jp_harden_process();
	err = jp_settings_load(argv[1], &settings, &why);
	if (err == JP_ERR_OK)
		err = jp_core_open(
		    &core, &settings, "record_edit", WAIT_MS, &why);
	if (err != JP_ERR_OK) {
		(void)fprintf(stderr, "record_edit: %s\n", why.text);
		return 1;
	}
	for (int i = 3; err == JP_ERR_OK && i < argc; i++)
		err = edit_one(&core, edit, value, argv[i]);
	jp_core_close(&core);
	if (err != JP_ERR_OK)
		(void)fprintf(stderr, "record_edit: %s\n", jp_err_text(err));
	return err == JP_ERR_OK ? 0 : 1;
}
