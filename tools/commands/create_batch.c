#include "tools/commands/create_batch.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tools/formats/act_as.h"
#include "tools/cli/handout.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/cli/rights.h"
#include "tools/cli/rows.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"
#include "tools/formats/text_file.h"

enum {
	COLUMN_USER,
	COLUMN_PARENT,
	CSV_PLACE_MAX = 256,
	AGAIN_MS = 5000, /* to find a patd, or its store, again */
};

static char out_buffer[8192]; /* holds texts of tokens: to be wiped */

/* Apart from the first, each is the option of that name. */
static const struct csv_column columns[] = {
	[COLUMN_USER] = { "user", true },
	[COLUMN_PARENT] = { "parent", false },
	{ "name", false },
	{ "expires", false },
	{ "scope", false },
	{ "service", false },
	{ "from", false },
	{ "uses", false },
	{ "owner_group", false },
};

enum {
	COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]),
};

/* Of these a field may hold several, between spaces. */
static const char *const lists[] = { "scope", "service", "from" };

/* A new token that is not written yet. */
struct made {
	char user[JP_USER_MAX + 1];
	char name[JP_NAME_MAX + 1];
	char id[JP_TOKEN_ID_LEN + 1];
	int64_t expires_at;
	struct jp_secret text; /* of the token, or its link */
};

/* A file under way. */
struct run {
	struct context *context;
	const struct batch *batch;
	struct session *session; /* NULL: it is lost */
	struct text_file from;
	FILE *to;
	struct csv_file csv;
	bool trying;
	uint64_t rows, done;
	/* Of what was made, or may be: `done` of them. */
	char (*ids)[JP_TOKEN_ID_LEN + 1];
	struct progress progress;
	struct rows sending;
	size_t made_len;
	struct made made[JP_BATCH_ROWS]; /* of the batch that is sent */
	struct jp_why *why;
};

/* ---- rows ---- */

static bool
is_list(const char *column)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i], column) == 0)
			return true;
	return false;
}

/* "--owner-group" of the column "owner_group". */
static bool
is_option_of(const char *option, const char *column)
{
	for (option += 2; *option != '\0'; option++, column++)
		if (*column != (*option == '-' ? '_' : *option))
			return false;
	return *column == '\0';
}

static const struct cmd_option *
option_of(const struct batch *batch, const char *column)
{
	const struct command *command = batch->command;

	for (size_t i = 0; i < command->option_len; i++)
		if (is_option_of(command->options[i].name, column))
			return &command->options[i];
	return &command->word;
}

/* Of a child, its parent says the user. */
static bool
is_to_take(size_t column, const char *const *fields)
{
	return fields[column][0] != '\0' ||
	       (column == COLUMN_USER && fields[COLUMN_PARENT][0] == '\0');
}

static enum jp_err
take_field(const struct run *run, const char *column, const char *field)
{
	const struct cmd_option *option = option_of(run->batch, column);
	void *args = run->batch->command->args;
	char text[CSV_LINE_MAX], *rest = text, *word;
	enum jp_err err = JP_ERR_OK;

	(void)snprintf(text, sizeof(text), "%s", field);
	if (!is_list(column))
		return option_take(option, args, text, run->why);
	while (err == JP_ERR_OK && (word = strtok_r(rest, " ", &rest)) != NULL)
		err = option_take(option, args, word, run->why);
	return err;
}

/* The request of the next row. */
static enum jp_err
next_request(struct run *run, bool *end)
{
	const char *fields[CSV_COLUMNS_MAX];
	enum jp_err err = csv_file_next(&run->csv, fields, end, run->why);

	if (err != JP_ERR_OK || *end)
		return err;
	memset(run->batch->request, 0, sizeof(*run->batch->request));
	run->batch->request->op = JP_ADMIN_CREATE;
	run->why->text[0] = '\0';
	for (size_t i = 0; i < COLUMN_COUNT && err == JP_ERR_OK; i++)
		if (is_to_take(i, fields))
			err = take_field(run, columns[i].name, fields[i]);
	return err == JP_ERR_OK ? err : csv_file_at(&run->csv, err, run->why);
}

/* Warns of a row while trying. */
static void
warn_row(const struct run *run)
{
	char place[CSV_PLACE_MAX];

	(void)snprintf(
	    place, sizeof(place), "%.200s:%lu: ", run->csv.name, run->csv.line);
	warn_rights(&run->context->settings.policy,
	    &run->batch->request->record, place);
}

static enum jp_err
put_new(struct jp_buf *buf, const void *row)
{
	return jp_batch_put_new(buf, row);
}

static enum jp_err
add_row(struct run *run)
{
	static struct jp_new_token token;
	const struct jp_admin_request *request = run->batch->request;

	if (run->trying) {
		run->rows++;
		warn_row(run);
	}
	token.record = request->record;
	token.lifetime = request->lifetime;
	token.expires_at = request->expires_at;
	return rows_add(
	    &run->sending, run->csv.line, put_new, &token, run->why);
}

/* What is wrong with rows before stands before what is wrong with this one. */
static enum jp_err
send_before(struct run *run, enum jp_err err)
{
	const struct jp_why what = *run->why;
	enum jp_err before =
	    run->trying ? rows_send(&run->sending, run->why) : JP_ERR_OK;

	if (before != JP_ERR_OK)
		return before;
	*run->why = what;
	return err;
}

/* Every row of the file. */
static enum jp_err
each_row(struct run *run)
{
	uint64_t row = 0;
	bool end = false;
	enum jp_err err;

	rewind(run->from.file);
	err = csv_file_open(&run->csv, run->from.file, run->from.name, columns,
	    COLUMN_COUNT, &run->batch->style, run->why);
	while (err == JP_ERR_OK) {
		err = next_request(run, &end);
		if (err != JP_ERR_OK)
			return send_before(run, err);
		if (end)
			return rows_send(&run->sending, run->why);
		err = add_row(run);
		progress_show(&run->progress, row++, run->rows);
	}
	return err;
}

/* ---- tokens ---- */

static enum jp_err
keep_id(struct run *run, const char *id)
{
	if (run->done == run->rows)
		return JP_ERR_PROTOCOL;
	memcpy(run->ids[run->done++], id, sizeof(run->ids[0]));
	return JP_ERR_OK;
}

/*
 * An id comes before its token is stored. The token is kept until the operation
 * has ended well: then all of them are.
 */
static enum jp_err
keep_one(void *arg, const struct jp_admin_item *item)
{
	struct run *run = arg;
	const struct jp_record *record = &item->record;
	struct made *made = &run->made[run->made_len];
	enum jp_admin_kind kind =
	    run->batch->link_for != 0 ? JP_ITEM_LINK : JP_ITEM_TOKEN;

	if (item->kind == JP_ITEM_RECORD)
		return keep_id(run, record->id);
	if (item->kind != kind || run->made_len == run->sending.len)
		return JP_ERR_PROTOCOL;
	run->made_len++;
	memcpy(made->user, record->user, sizeof(made->user));
	memcpy(made->name, record->name, sizeof(made->name));
	memcpy(made->id, record->id, sizeof(made->id));
	made->expires_at = record->expires_at;
	return run->batch->link_for != 0
	           ? handout_link(run->context, &item->token, &made->text)
	           : jp_secret_set(
	                 &made->text, item->token.text, item->token.len);
}

static void
put_field(FILE *to, const char *text, char after)
{
	(void)csv_fwrite(to, text, strlen(text));
	(void)putc(after, to);
}

static void
write_one(FILE *to, const struct made *made)
{
	char expires[JP_WHEN_TEXT_MAX];

	jp_when_format(made->expires_at, expires);
	put_field(to, made->user, ',');
	put_field(to, made->name, ',');
	put_field(to, made->id, ',');
	put_field(to, expires, ',');
	put_field(to, made->text.text, '\n');
}

/* All of them are in the store: none may be lost if this process is killed. */
static enum jp_err
write_made(void *arg, struct jp_why *why)
{
	struct run *run = arg;
	size_t len = run->made_len;

	if (run->trying)
		return JP_ERR_OK;
	for (size_t i = 0; i < len; i++)
		write_one(run->to, &run->made[i]);
	sodium_memzero(run->made, sizeof(run->made));
	run->made_len = 0;
	if (len != run->sending.len)
		return jp_why(why, JP_ERR_PROTOCOL,
		    "patd sent %zu tokens for %zu rows", len, run->sending.len);
	return fflush(run->to) == 0 ? JP_ERR_OK
	                            : path_why(why, "write", run->batch->to);
}

static enum jp_err
run_rows(struct run *run, bool trying)
{
	struct rows *sending = &run->sending;
	enum jp_err err;

	run->trying = trying;
	sending->session = run->session;
	sending->file = run->from.name;
	sending->op = JP_ADMIN_CREATE_MANY;
	sending->dry_run = trying;
	sending->link_for = run->batch->link_for;
	sending->take = trying ? NULL : keep_one;
	sending->sent = write_made;
	sending->arg = run;
	rows_start(sending);
	progress_start(&run->progress, trying ? "try" : "create", "tokens");
	err = each_row(run);
	progress_end(&run->progress);
	return err;
}

static enum jp_err
open_output(struct run *run)
{
	const char *path = run->batch->to;
	enum jp_err err = act_at(path, run->why);
	int fd;

	if (err != JP_ERR_OK)
		return err;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		err = sync_parent(path, run->why);
	act_as_self();
	run->to = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (run->to == NULL)
		return path_why(run->why, "make", path);
	(void)setvbuf(run->to, out_buffer, _IOFBF, sizeof(out_buffer));
	(void)fprintf(run->to, "user,name,id,expires_at,%s\n",
	    run->batch->link_for != 0 ? "link" : "token");
	return err;
}

static enum jp_err
sync_output(struct run *run)
{
	FILE *to = run->to;
	bool written = fflush(to) == 0 && fsync(fileno(to)) == 0;

	if (written)
		return JP_ERR_OK;
	return path_why(run->why, "write", run->batch->to);
}

/*
 * The file goes. Without patd this process may have become a user who
 * cannot do that: then it stays, and is empty.
 */
static void
drop_output(struct run *run)
{
	struct jp_why ignored;

	if (run->to == NULL)
		return;
	(void)fflush(run->to);
	(void)act_at(run->batch->to, &ignored);
	if (unlink(run->batch->to) != 0 && ftruncate(fileno(run->to), 0) != 0)
		(void)fprintf(stderr, "%s: remove it\n", run->batch->to);
	act_as_self();
	(void)fclose(run->to);
	run->to = NULL;
}

/* patd is gone: it may be back already, or this process do it alone. */
static void
open_again(struct run *run)
{
	struct jp_why ignored;

	session_close(run->session);
	if (session_open(run->session, run->context, &ignored) != JP_ERR_OK)
		run->session = NULL;
}

static enum jp_err
try_revoke(struct run *run, const char *id)
{
	struct jp_why ignored;

	return run->session != NULL ? handout_revoke(run->session, id, &ignored)
	                            : JP_ERR_UNREACHABLE;
}

/*
 * Whether this token is no more. A patd that was killed takes connections for a
 * moment yet.
 */
static bool
take_back(struct run *run, const char *id, int64_t deadline_ms)
{
	enum jp_err err = try_revoke(run, id);

	while (err == JP_ERR_UNREACHABLE && run->session != NULL &&
	       jp_pause(deadline_ms)) {
		open_again(run);
		err = try_revoke(run, id);
	}
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND;
}

/* All or none: whoever repeats it then does not get some of them twice. */
static void
take_all_back(struct run *run)
{
	struct jp_why first = *run->why;
	int64_t deadline_ms = jp_now_ms() + AGAIN_MS;
	uint64_t left = 0;

	for (uint64_t i = 0; i < run->done; i++)
		left += !take_back(run, run->ids[i], deadline_ms);
	if (left > 0)
		(void)jp_why(run->why, JP_ERR_OK,
		    "%" PRIu64 " of %" PRIu64
		    " new tokens are there and could not be revoked: see "
		    "`pat-admin list`; the next one: %.300s",
		    left, run->done, first.text);
}

static enum jp_err
make_all(struct run *run)
{
	enum jp_err err = JP_ERR_OK;

	run->ids = calloc(run->rows + 1, sizeof(run->ids[0]));
	if (run->ids == NULL)
		return jp_why(
		    run->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	err = run_rows(run, false);
	if (err == JP_ERR_OK)
		err = sync_output(run);
	if (err == JP_ERR_OK)
		return err;
	drop_output(run); /* before this process becomes another user */
	take_all_back(run);
	return err;
}

static enum status
print_done(const struct context *context, const struct run *run)
{
	if (context->json)
		(void)output_json(json_pack("{s:s,s:I}", "file", run->batch->to,
		    "tokens", (json_int_t)run->done));
	else
		(void)printf(
		    "%s: %" PRIu64 " tokens\n", run->batch->to, run->done);
	return STATUS_DONE;
}

enum status
create_batch(struct context *context, const struct batch *batch)
{
	struct jp_why why = { .text = "" };
	struct session session;
	static struct run run; /* zeroes, but for these */
	enum jp_err err;

	run.context = context;
	run.batch = batch;
	run.session = &session;
	run.why = &why;
	err = text_file_open(&run.from, batch->from, &why);
	if (err == JP_ERR_OK)
		err = open_output(&run);
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		err = run_rows(&run, true);
		if (err == JP_ERR_OK)
			err = make_all(&run);
		if (run.session != NULL)
			session_close(run.session);
	}
	if (err != JP_ERR_OK)
		drop_output(&run);
	else
		(void)fclose(run.to);
	sodium_memzero(out_buffer, sizeof(out_buffer));
	sodium_memzero(run.made, sizeof(run.made));
	text_file_close(&run.from);
	free(run.ids);
	return err == JP_ERR_OK ? print_done(context, &run)
	                        : context_fail(context, err, &why);
}
