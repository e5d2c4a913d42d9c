/*
 * pat-admin import: lines of `export`, or USER:HASH of another system, into
 * the store. Every line is read and tried before the first one is stored, in
 * batches, each of them whole or not at all; a run that was interrupted is run
 * again, with --skip-known.
 */
#include "common/base/grow.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/formats/record_json.h"
#include "tools/cli/rights.h"
#include "tools/cli/rows.h"
#include "tools/formats/text_file.h"

enum {
	LINE_MAX_LEN = 65536,
};

static struct import_args {
	const char *file;
	bool dry_run, skip_known;
} args;

/* Where an id stands in the file, and whose it is. */
struct place {
	char id[JP_TOKEN_ID_LEN + 1];
	uint32_t line;
	uint64_t user; /* tag of the name */
};

/* One that hangs on another, which may stand in the file, or in the store. */
struct link {
	struct place child;
	char parent[JP_TOKEN_ID_LEN + 1];
};

/*
 * The runs over the file. Users come before tokens: none of a disabled user is
 * live for a moment, nor if the import ends in the middle.
 */
enum pass {
	TRY,
	USERS,
	TOKENS,
};

/* One of them. */
struct import {
	struct session *session;
	const struct jp_policy *policy;
	struct text_file text;
	bool nothing; /* is what it holds, and says so */
	int64_t now;
	enum pass pass;
	uint32_t line; /* the last one read */
	uint64_t tokens, users, known;
	struct place *places; /* of each record, while trying */
	size_t place_len, place_cap;
	struct link *links; /* of each child that has not ended, while trying */
	size_t link_len, link_cap;
	json_t *names; /* of each user, while trying: its line */
	struct rows token_rows, user_rows;
	struct progress progress;
	uint64_t size; /* bytes of the file */
	struct jp_why *why;
};

static const struct cmd_option options[] = {
	CMD_FLAG(
	    "--dry-run", "only try every line", struct import_args, dry_run),
	CMD_FLAG("--skip-known", "leave ids alone that are there already",
	    struct import_args, skip_known),
};

/* Puts the place in front of what is wrong. */
static enum jp_err
at_line(struct import *import, uint32_t line, enum jp_err err)
{
	struct jp_why what = *import->why;

	return jp_why(import->why, err, "%.200s:%" PRIu32 ": %s",
	    import->text.name, line,
	    what.text[0] != '\0' ? what.text : jp_err_text(err));
}

/* ---- an id twice ---- */

static int
by_id(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = strcmp(one->id, two->id);

	return order != 0 ? order
	                  : (one->line > two->line) - (one->line < two->line);
}

/* While trying, the store has seen no line, so it cannot tell this. */
static enum jp_err
check_twice(struct import *import)
{
	struct place *places = import->places;

	if (args.skip_known || import->place_len == 0)
		return JP_ERR_OK;
	qsort(places, import->place_len, sizeof(places[0]), by_id);
	for (size_t i = 1; i < import->place_len; i++)
		if (strcmp(places[i - 1].id, places[i].id) == 0)
			return jp_why(import->why, JP_ERR_INVALID,
			    "%.200s:%" PRIu32 ": token %s stands in line "
			    "%" PRIu32 ", too: remove one",
			    import->text.name, places[i].line, places[i].id,
			    places[i - 1].line);
	return JP_ERR_OK;
}

/* ---- parents ---- */

/* Short, for there are many: whose a record is, the store looks at again. */
static uint64_t
tag_of(const char *user)
{
	static const uint8_t key[crypto_shorthash_KEYBYTES];
	uint8_t bytes[crypto_shorthash_BYTES];
	uint64_t tag;

	_Static_assert(sizeof(tag) == sizeof(bytes), "the tag is all of it");
	(void)crypto_shorthash(bytes, (const uint8_t *)user, strlen(user), key);
	memcpy(&tag, bytes, sizeof(tag));
	return tag;
}

static int
by_id_alone(const void *id, const void *place)
{
	return strcmp(id, ((const struct place *)place)->id);
}

static enum jp_err
take_parent(void *arg, const struct jp_admin_item *item)
{
	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	*(uint64_t *)arg = tag_of(item->record.user);
	return JP_ERR_OK;
}

/* Whose the parent is, if the store has it. */
static enum jp_err
ask_parent(struct import *import, const struct link *link, uint64_t *user)
{
	static struct jp_admin_request request = { .op = JP_ADMIN_SHOW };
	enum jp_err err;

	memcpy(request.record.id, link->parent, sizeof(link->parent));
	err = session_run(
	    import->session, &request, take_parent, user, import->why);
	if (err != JP_ERR_NOT_FOUND)
		return err;
	*user = link->child.user;
	return args.skip_known /* it may be known, and have lost its parent */
	           ? JP_ERR_OK
	           : jp_why(import->why, JP_ERR_INVALID,
	                 "token %s: its parent %s is not there: import that "
	                 "first, or remove the line",
	                 link->child.id, link->parent);
}

static enum jp_err
check_link(struct import *import, const struct link *link)
{
	const struct place *place = import->places;
	uint64_t user = 0;
	enum jp_err err = JP_ERR_OK;

	place = bsearch(link->parent, place, import->place_len, sizeof(*place),
	    by_id_alone);
	if (place == NULL)
		err = ask_parent(import, link, &user);
	else
		user = place->user;
	if (err != JP_ERR_OK)
		return err;
	if (user != link->child.user)
		return jp_why(import->why, JP_ERR_INVALID,
		    "token %s: its parent %s is another user's", link->child.id,
		    link->parent);
	return place == NULL || place->line < link->child.line ||
	               args.skip_known
	           ? JP_ERR_OK
	           : jp_why(import->why, JP_ERR_INVALID,
	                 "token %s: its parent %s stands behind it, in line "
	                 "%" PRIu32 ": put that first",
	                 link->child.id, link->parent, place->line);
}

/*
 * While trying, the store has seen no line, so that it would miss the parents
 * that stand in the file: they are looked for here.
 */
static enum jp_err
check_parents(struct import *import)
{
	enum jp_err err = JP_ERR_OK;

	if (import->link_len == 0)
		return JP_ERR_OK;
	qsort(import->places, import->place_len, sizeof(import->places[0]),
	    by_id);
	for (size_t i = 0; i < import->link_len && err == JP_ERR_OK; i++) {
		const struct link *link = &import->links[i];

		err = check_link(import, link);
		if (err != JP_ERR_OK)
			err = at_line(import, link->child.line, err);
	}
	return err;
}

static enum jp_err
check_user_twice(struct import *import, const char *name)
{
	const json_t *before = json_object_get(import->names, name);

	if (args.skip_known)
		return JP_ERR_OK;
	if (before != NULL)
		return jp_why(import->why, JP_ERR_INVALID,
		    "the user %.255s stands in line %" PRIu32
		    ", too: remove one",
		    name, (uint32_t)json_integer_value(before));
	return json_object_set_new(
	           import->names, name, json_integer(import->line)) == 0
	           ? JP_ERR_OK
	           : JP_ERR_NOMEM;
}

/* ---- batches ---- */

static enum jp_err
count_one(void *arg, const struct jp_admin_item *item)
{
	struct import *import = arg;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (item->changed)
		import->tokens++;
	else
		import->known++;
	return JP_ERR_OK;
}

static enum jp_err
put_token(struct jp_buf *buf, const void *row)
{
	return jp_batch_put(buf, row);
}

static enum jp_err
put_user(struct jp_buf *buf, const void *row)
{
	return jp_batch_put_user(buf, row);
}

static void
start_rows(struct import *import, struct rows *rows, enum jp_admin_op op)
{
	rows->session = import->session;
	rows->file = import->text.name;
	rows->op = op;
	rows->dry_run = import->pass == TRY;
	rows->skip_known = args.skip_known;
	rows->arg = import;
	rows_start(rows);
}

/* What stands twice in one batch, the file says better. */
static enum jp_err
explain(struct import *import, enum jp_err err)
{
	const struct jp_why what = *import->why;
	enum jp_err twice = JP_ERR_OK;

	if (err == JP_ERR_EXISTS && import->pass == TRY)
		twice = check_twice(import);
	if (twice != JP_ERR_OK)
		return twice;
	*import->why = what;
	return err;
}

/* ---- lines ---- */

/* USER:HASH: a secret that is no token of ours. */
static enum jp_err
read_foreign(struct import *import, const char *line, struct jp_moved *moved)
{
	struct jp_record *record = &moved->record;
	size_t user_len = strcspn(line, ":");
	struct jp_phc phc;
	enum jp_err err = JP_ERR_OK;

	memset(moved, 0, sizeof(*moved));
	if (line[user_len] == '\0' || user_len > JP_USER_MAX ||
	    jp_phc_parse(line + user_len + 1, &phc) != JP_ERR_OK)
		return jp_why(import->why, JP_ERR_INVALID,
		    "expected a line of `pat-admin export`, or USER:HASH with "
		    "a hash as $argon2id$v=19$m=…,t=…,p=1$… of at most "
		    "m=%u,t=%u, a salt of %d and a tag of %d bytes",
		    JP_ARGON2_MEMORY_MAX, JP_ARGON2_PASSES_MAX, JP_PHC_SALT_LEN,
		    JP_PHC_TAG_LEN);
	memcpy(record->user, line, user_len);
	(void)jp_field_set(
	    record->phc, sizeof(record->phc), line + user_len + 1);
	(void)jp_field_set(record->name, sizeof(record->name), "imported");
	jp_imported_id(record->user, record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	(void)jp_field_set(record->created_by, sizeof(record->created_by),
	    import->session->actor);
	record->created_at = import->now;
	if (import->policy->default_lifetime != JP_NEVER)
		record->expires_at =
		    jp_when_add(import->now, import->policy->default_lifetime);
	err = jp_user_check_new(record->user, import->why);
	return err;
}

static enum jp_err
remember(struct import *import, struct jp_record *record)
{
	struct place *place;
	struct link *link;

	if (JP_GROW(import->places, import->place_len, import->place_cap) !=
	    JP_ERR_OK)
		return JP_ERR_NOMEM;
	place = &import->places[import->place_len++];
	memcpy(place->id, record->id, sizeof(place->id));
	place->line = import->line;
	place->user = tag_of(record->user);
	if (!jp_token_id_valid(record->parent) ||
	    strcmp(record->parent, record->id) == 0 ||
	    jp_record_ended(record, import->now))
		return JP_ERR_OK;
	if (JP_GROW(import->links, import->link_len, import->link_cap) !=
	    JP_ERR_OK)
		return JP_ERR_NOMEM;
	link = &import->links[import->link_len++];
	link->child = *place;
	memcpy(link->parent, record->parent, sizeof(link->parent));
	memset(record->parent, 0, sizeof(record->parent));
	return JP_ERR_OK;
}

/* A user of whom the store has a record already is not changed. */
static enum jp_err
take_user(struct import *import, const struct jp_user *user)
{
	static struct jp_user_change change = { .fields = JP_USER_FIELDS };
	enum jp_err err = JP_ERR_OK;

	if (import->pass == TOKENS)
		return err;
	change.user = *user;
	if (import->pass == TRY)
		err = check_user_twice(import, user->name);
	if (err != JP_ERR_OK)
		return at_line(import, import->line, err);
	import->users++;
	return rows_add(
	    &import->user_rows, import->line, put_user, &change, import->why);
}

static void
warn_line(const struct import *import, const struct jp_record *record)
{
	char place[256];

	(void)snprintf(place, sizeof(place), "%.200s:%" PRIu32 ": ",
	    import->text.name, import->line);
	warn_rights(import->policy, record, place);
}

static enum jp_err
take_token(struct import *import, struct jp_moved *moved)
{
	enum jp_err err = JP_ERR_OK;

	if (import->pass == USERS)
		return err;
	if (import->pass == TRY) {
		warn_line(import, &moved->record);
		err = remember(import, &moved->record);
	}
	if (err == JP_ERR_OK)
		err = rows_add(&import->token_rows, import->line, put_token,
		    moved, import->why);
	return explain(import, err);
}

static enum jp_err
take_line(struct import *import, const char *text)
{
	static struct json_line line;
	enum jp_err err;

	import->why->text[0] = '\0';
	line.is_user = false;
	if (text[0] == '{')
		err = json_line_read(text, &line, import->why);
	else
		err = read_foreign(import, text, &line.moved);
	if (err != JP_ERR_OK)
		return at_line(import, import->line, err);
	return line.is_user ? take_user(import, &line.user)
	                    : take_token(import, &line.moved);
}

static enum jp_err
send_rest(struct import *import)
{
	enum jp_err err = rows_send(&import->user_rows, import->why);

	if (err == JP_ERR_OK)
		err = explain(
		    import, rows_send(&import->token_rows, import->why));
	import->users -= import->user_rows.told;
	import->known += import->user_rows.told;
	return err;
}

/* Comments and empty lines say nothing. */
static enum jp_err
read_lines(struct import *import, char *line)
{
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK &&
	       fgets(line, LINE_MAX_LEN, import->text.file) != NULL) {
		size_t len = strcspn(line, "\n");

		import->line++;
		if (line[len] != '\n' && !feof(import->text.file)) {
			(void)jp_why(import->why, JP_ERR_INVALID,
			    "the line is too long or holds a NUL");
			return at_line(import, import->line, JP_ERR_INVALID);
		}
		if (len > 0 && line[len - 1] == '\r')
			len--;
		line[len] = '\0';
		if (len > 0 && line[0] != '#')
			err = take_line(import, line);
		progress_show(&import->progress,
		    (uint64_t)ftello(import->text.file), import->size);
	}
	if (err == JP_ERR_OK && ferror(import->text.file))
		err = jp_why(import->why, JP_ERR_IO, "cannot read %.200s: %s",
		    import->text.name, strerror(errno));
	return err == JP_ERR_OK ? send_rest(import) : err;
}

static enum jp_err
run_pass(struct import *import, enum pass pass)
{
	char *line = malloc(LINE_MAX_LEN);
	enum jp_err err = JP_ERR_NOMEM;

	import->pass = pass;
	import->line = 0;
	import->token_rows.take = count_one;
	start_rows(import, &import->token_rows, JP_ADMIN_IMPORT);
	start_rows(import, &import->user_rows, JP_ADMIN_IMPORT_USERS);
	rewind(import->text.file);
	progress_start(
	    &import->progress, pass == TRY ? "try" : "import", "bytes");
	if (line != NULL)
		err = read_lines(import, line);
	progress_end(&import->progress);
	if (line != NULL)
		sodium_memzero(line, LINE_MAX_LEN);
	free(line);
	return err;
}

/* ---- the whole ---- */

/* What `export --json` prints of an empty store. */
static bool
is_empty_array(const struct text_file *text)
{
	char bracket[2], more;

	return strlen(text->bytes) == text->len &&
	       sscanf(text->bytes, " [ %1[]] %c", bracket, &more) == 1;
}

static enum jp_err
open_file(struct import *import)
{
	enum jp_err err = text_file_open(&import->text, args.file, import->why);

	if (err != JP_ERR_OK)
		return err;
	import->nothing = is_empty_array(&import->text);
	if (!import->nothing && text_file_first(&import->text) == '[')
		return jp_why(import->why, JP_ERR_INVALID,
		    "%.200s:1: a JSON array; expected an object on each line: "
		    "`jq -c '.[]'` makes them",
		    import->text.name);
	import->size = import->text.len;
	return JP_ERR_OK;
}

static enum jp_err
import_all(struct import *import)
{
	enum jp_err err;

	bool users;

	if (import->nothing)
		return JP_ERR_OK;
	err = run_pass(import, TRY);
	if (err == JP_ERR_OK)
		err = check_twice(import);
	if (err == JP_ERR_OK)
		err = check_parents(import);
	if (err != JP_ERR_OK || args.dry_run)
		return err;
	users = import->users > 0 || import->user_rows.told > 0;
	import->tokens = import->users = import->known = 0;
	if (users)
		err = run_pass(import, USERS);
	return err == JP_ERR_OK ? run_pass(import, TOKENS) : err;
}

static enum jp_err
print_done(const struct context *context, const struct import *import)
{
	if (context->json)
		return output_json(json_pack("{s:I,s:I,s:I,s:b}", "imported",
		    (json_int_t)import->tokens, "users",
		    (json_int_t)import->users, "known",
		    (json_int_t)import->known, "dry_run", args.dry_run));
	(void)printf("%s%" PRIu64 " tokens and %" PRIu64
	             " users imported, %" PRIu64 " known already\n",
	    args.dry_run ? "would be: " : "", import->tokens, import->users,
	    import->known);
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	static struct import import;
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err;

	import.why = &why;
	import.session = &session;
	import.now = jp_clock_now(&jp_system_clock);
	import.names = json_object();
	err = import.names != NULL ? open_file(&import) : JP_ERR_NOMEM;
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		import.policy = &context->settings.policy;
		err = import_all(&import);
		session_close(&session);
	}
	text_file_close(&import.text);
	json_decref(import.names);
	free(import.places);
	free(import.links);
	rows_end(&import.token_rows);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	(void)print_done(context, &import);
	return STATUS_DONE;
}

const struct command cmd_import = {
	.name = "import",
	.synopsis = "FILE|- [OPTION]...",
	.help = "store the records of an export, or USER:HASH lines",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.word = CMD_TEXT("FILE", NULL, NULL, struct import_args, file),
	.prints = true,
	.args = &args,
	.run = run,
};
