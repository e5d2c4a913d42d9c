/*
 * pat-admin audit: shows the audit trail, or finds out whether it is whole. It
 * reads the files itself: neither patd nor the store is needed.
 */
#include "tools/cli/table.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/audit/verify.h"
#include "common/audit/file.h"
#include "common/base/escape.h"
#include "common/record/pepper.h"
#include "tools/cli/arguments.h"
#include "tools/formats/act_as.h"
#include "tools/cli/output.h"
#include "tools/formats/audit_trail.h"

enum {
	FILES_MAX = 1024,
	PAUSE_MS = 200, /* of --follow, between two looks */
};

static struct audit_args {
	bool verify, follow;
	char since[JP_WHEN_TEXT_MAX]; /* "": all; ISO 8601 sorts as text */
	const char *user, *event;
	char id[JP_TOKEN_ID_LEN + 1];
	size_t file_len;
	const char *files[FILES_MAX];
} args;

/* ---- the command line ---- */

/* `verify`, and the files that it is to read. */
static enum jp_err
take_word(void *arg, char *value, struct jp_why *why)
{
	struct audit_args *audit = arg;

	if (!audit->verify) {
		audit->verify = strcmp(value, "verify") == 0;
		return audit->verify ? JP_ERR_OK
		                     : jp_why(why, JP_ERR_INVALID,
		                           "expected verify, or options alone");
	}
	if (audit->file_len == FILES_MAX)
		return jp_why(why, JP_ERR_INVALID, "too many files");
	audit->files[audit->file_len++] = value;
	return JP_ERR_OK;
}

static enum jp_err
take_since(void *arg, char *value, struct jp_why *why)
{
	int64_t now = jp_clock_now(&jp_system_clock), span, when;

	if (jp_duration_parse(value, &span) == JP_ERR_OK && span != JP_NEVER)
		when = jp_when_add(now, -span);
	else if (jp_when_parse(value, now, &when) != JP_ERR_OK ||
	         when == JP_NEVER)
		return jp_why(why, JP_ERR_INVALID,
		    "--since: expected a duration such as 24h, a date, or a "
		    "time such as 2027-01-31T12:00:00Z");
	jp_when_format(when, ((struct audit_args *)arg)->since);
	return JP_ERR_OK;
}

/* Those that stand in `event` of a line, patd(8). */
static const char *const events[] = { "accept", "backup", "claim",
	"cluster-init", "cluster-join", "cluster-leave", "create", "deny",
	"disable", "enable", "end", "export", "import", "lost", "policy",
	"purge", "rekey-upstream", "remove-upstream", "restore", "reuse",
	"revoke", "rotate", "set-upstream", "set-user", "set-users",
	"take-back", "test", "unavailable" };

static enum jp_err
take_event(void *arg, char *value, struct jp_why *why)
{
	size_t len = sizeof(events) / sizeof(events[0]), used;

	((struct audit_args *)arg)->event = value;
	for (size_t i = 0; i < len; i++)
		if (strcmp(events[i], value) == 0)
			return JP_ERR_OK;
	(void)jp_why(why, JP_ERR_INVALID, "--event: expected one of");
	for (size_t i = 0; i < len; i++) {
		used = strlen(why->text);
		(void)snprintf(why->text + used, sizeof(why->text) - used,
		    "%s %s", i > 0 ? "," : "", events[i]);
	}
	return JP_ERR_INVALID;
}

static const struct cmd_option options[] = {
	CMD_CALL(
	    "--since", "WHEN", "only later lines: 24h, 2027-01-31", take_since),
	CMD_TEXT("--user", "USER", "only lines about this user",
	    struct audit_args, user),
	CMD_TOKEN_ID(
	    "--id", "ID", "only lines about this token", struct audit_args, id),
	CMD_CALL("--event", "EVENT",
	    "only such lines: deny, create, revoke, ...", take_event),
	CMD_FLAG("--follow", "go on with each line that is written",
	    struct audit_args, follow),
};

/* ---- the lines ---- */

struct view {
	struct context *context;
	struct table table;
	bool begun;
	size_t half; /* bytes of a line that is still being written */
};

static const char *
text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text != NULL ? text : "";
}

static bool
is_wanted(const json_t *json)
{
	return strcmp(text_of(json, "time"), args.since) >= 0 &&
	       (args.user == NULL ||
	           strcmp(text_of(json, "user"), args.user) == 0) &&
	       (args.id[0] == '\0' ||
	           strcmp(text_of(json, "id"), args.id) == 0) &&
	       (args.event == NULL ||
	           strcmp(text_of(json, "event"), args.event) == 0);
}

/* One word for a terminal, whoever wrote it. */
static const char *
shown(const char *text, char *room, size_t size)
{
	struct jp_why ignored;

	if (text[0] == '\0')
		return "-";
	return jp_text_check("", text, size, &ignored) == JP_ERR_OK
	           ? text
	           : jp_escape(room, size, text);
}

static void
begin_table(struct view *view)
{
	static const char *const heads[] = { "TIME", "EVENT", "REASON", "ID",
		"USER", "SERVICE", "ADDRESS", "DETAIL", "BY" };

	if (!view->begun)
		table_start(
		    &view->table, heads, sizeof(heads) / sizeof(heads[0]));
	view->begun = true;
}

static enum jp_err
show_row(struct view *view, const json_t *json)
{
	static const char *const keys[] = { "time", "event", "reason", "id",
		"user", "service", "address", "detail", "actor" };
	enum { KEYS = sizeof(keys) / sizeof(keys[0]), EVENT = 1, BY = 8 };
	char room[KEYS][JP_ESCAPED_MAX(JP_ACTOR_MAX)], many[64], peer[32];
	const char *cells[KEYS];
	const json_t *count = json_object_get(json, "count");
	const json_t *uid = json_object_get(json, "peer");

	for (size_t i = 0; i < KEYS; i++)
		cells[i] =
		    shown(text_of(json, keys[i]), room[i], sizeof(room[i]));
	if (count != NULL) {
		(void)snprintf(many, sizeof(many),
		    "%.40s*%" JSON_INTEGER_FORMAT, cells[EVENT],
		    json_integer_value(count));
		cells[EVENT] = many;
	}
	if (uid != NULL) {
		(void)snprintf(peer, sizeof(peer), "uid:%" JSON_INTEGER_FORMAT,
		    json_integer_value(uid));
		cells[BY] = peer;
	}
	begin_table(view);
	return table_row(&view->table, cells);
}

static enum jp_err
show_line(const struct trail_line *line)
{
	output_json_printed();
	return fwrite(line->text, 1, line->len, stdout) == line->len &&
	               putchar('\n') != EOF
	           ? JP_ERR_OK
	           : JP_ERR_IO;
}

/* What is no line is passed over, and told: `verify` says more. */
static enum jp_err
view_line(void *arg, const struct trail_line *line)
{
	struct view *view = arg;
	enum jp_err err = JP_ERR_OK;
	json_t *json;

	view->half = line->whole ? 0 : line->len;
	if (!line->whole)
		return JP_ERR_OK;
	json = json_loadb(line->text, line->len, 0, NULL);
	if (json == NULL)
		(void)fprintf(stderr,
		    "pat-admin: audit: %s:%" PRIu64
		    ": not a line of the trail\n",
		    line->path, line->number);
	if (json != NULL && is_wanted(json)) {
		err = view->context->json ? show_line(line)
		                          : show_row(view, json);
	}
	json_decref(json);
	return err;
}

/* ---- --follow ---- */

/* Whether the name still stands for this file. */
static bool
is_current(FILE *file, const char *path)
{
	struct stat named, opened;

	return stat(path, &named) == 0 && fstat(fileno(file), &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static void
pause_a_moment(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	(void)nanosleep(&pause, NULL);
}

/*
 * What has come since. Half a line is read again from its beginning, and a file
 * that was emptied from its own.
 */
static enum jp_err
read_new(FILE *file, struct trail_line *line, struct view *view)
{
	struct stat st;

	(void)fseek(file, -(long)view->half, SEEK_CUR);
	view->half = 0;
	if (fstat(fileno(file), &st) == 0 && st.st_size < ftell(file)) {
		rewind(file);
		line->number = 0;
	}
	return trail_read(file, line, view_line, view);
}

/* The old file is read to its end before the new one: it may have grown. */
static enum jp_err
follow(struct view *view, const char *path, FILE *file)
{
	struct trail_line line = { .path = path };
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK) {
		bool current = file != NULL && is_current(file, path);
		FILE *next = current ? NULL : trail_open(path);

		if (file != NULL)
			err = read_new(file, &line, view);
		if (next != NULL) {
			if (file != NULL)
				(void)fclose(file);
			file = next;
			line.number = 0;
			view->half = 0;
			continue;
		}
		if (!view->context->json)
			table_end(&view->table);
		if (fflush(stdout) != 0)
			err = JP_ERR_IO;
		pause_a_moment();
	}
	if (file != NULL)
		(void)fclose(file);
	return err;
}

static enum jp_err
show_all(struct view *view, struct trail *trail, struct jp_why *why)
{
	const char *path = view->context->settings.audit_file;
	enum jp_err err = trail_find(trail, path, why);

	if (err == JP_ERR_OK)
		err = trail_each(trail, view_line, view);
	if (err == JP_ERR_OK && !view->context->json)
		begin_table(view);
	if (err == JP_ERR_OK && args.follow)
		err = follow(view, path, trail_last(trail, path));
	table_end(&view->table);
	return err;
}

/* ---- verify ---- */

struct verification {
	struct jp_audit_check check;
	struct jp_why *why; /* what is wrong */
	const char *path;   /* of the first bad line, or of the last line */
	uint64_t number;
	bool half; /* the last line is not finished */
};

/* Half a line is no fault at the very end: patd may be writing it. */
static enum jp_err
verify_line(void *arg, const struct trail_line *line)
{
	struct verification *verification = arg;

	verification->path = line->path;
	verification->number = line->number;
	if (!line->whole && line->last_file) {
		verification->half = true;
		verification->number--;
		return JP_ERR_OK;
	}
	return jp_audit_check_line(
	    &verification->check, line->text, line->len, verification->why);
}

static enum jp_err
load_keys(struct verification *verification, const struct jp_settings *settings,
    struct jp_audit_key *checkpoint_key, struct jp_why *why)
{
	struct jp_pepper pepper;
	enum jp_err err = act_at(settings->pepper_file, why);

	if (err == JP_ERR_OK)
		err = jp_pepper_load(settings->pepper_file, &pepper, why);
	act_as_self();
	if (err != JP_ERR_OK)
		return err;
	jp_audit_key_make(&pepper, &verification->check.key);
	jp_audit_checkpoint_key_make(&pepper, checkpoint_key);
	jp_pepper_clear(&pepper);
	return JP_ERR_OK;
}

/*
 * The mark is read before the files: what it names is in them by then. Files
 * that are named may be any part of the trail, so nothing is known of its end.
 */
static enum jp_err
open_all(struct verification *verification, struct trail *trail,
    const struct jp_settings *settings, struct jp_why *why)
{
	char head[JP_PATH_MAX + sizeof("/" JP_AUDIT_CHECKPOINT_NAME)];
	struct jp_audit_key checkpoint_key;
	enum jp_err err =
	    load_keys(verification, settings, &checkpoint_key, why);
	enum jp_err checkpoint_err = JP_ERR_OK;

	(void)snprintf(head, sizeof(head), "%s/%s", settings->store_dir,
	    JP_AUDIT_CHECKPOINT_NAME);
	if (err == JP_ERR_OK)
		err = act_at(head, why);
	if (err == JP_ERR_OK && args.file_len == 0)
		checkpoint_err = jp_audit_checkpoint_read(head, &checkpoint_key,
		    &verification->check.checkpoint, verification->why);
	act_as_self();
	verification->check.has_checkpoint =
	    args.file_len == 0 && checkpoint_err == JP_ERR_OK;
	for (size_t i = 0; err == JP_ERR_OK && i < args.file_len; i++)
		err = trail_add(trail, args.files[i], why);
	if (err == JP_ERR_OK && args.file_len == 0)
		err = trail_find(trail, settings->audit_file, why);
	trail_sort(trail);
	if (err != JP_ERR_OK || checkpoint_err == JP_ERR_OK)
		return err;
	if (checkpoint_err == JP_ERR_MISSING && trail->len == 0)
		return JP_ERR_OK; /* nothing was written yet */
	if (checkpoint_err == JP_ERR_MISSING ||
	    checkpoint_err == JP_ERR_DAMAGED)
		return JP_ERR_DAMAGED;
	*why = *verification->why;
	return checkpoint_err;
}

static enum jp_err
print_whole(const struct context *context, const struct trail *trail,
    const struct verification *verification)
{
	const struct jp_audit_check *check = &verification->check;

	if (verification->half)
		(void)fprintf(stderr,
		    "%s ends in half a line: patd was killed, or is writing "
		    "it.\n",
		    verification->path);
	if (trail->packed > 0)
		(void)fprintf(stderr,
		    "Compressed files were not read: unpack them and name "
		    "them.\n");
	if (check->first > 1)
		(void)fprintf(stderr,
		    "Lines before %" PRIu64 " are in files that are not "
		    "here.\n",
		    check->first);
	if (context->json)
		return output_json(json_pack("{s:b,s:I,s:I,s:I,s:I}", "whole",
		    1, "files", (json_int_t)trail->len, "lines",
		    (json_int_t)check->lines, "first", (json_int_t)check->first,
		    "last", (json_int_t)check->at.seq));
	(void)printf("whole: %" PRIu64 " lines, %" PRIu64 " to %" PRIu64
	             "; files: %zu\n",
	    check->lines, check->first, check->at.seq, trail->len);
	return JP_ERR_OK;
}

static enum jp_err
print_bad(
    const struct context *context, const struct verification *verification)
{
	const char *path = verification->path;

	if (context->json)
		return output_json(json_pack("{s:b,s:s?,s:I,s:s,s:I}", "whole",
		    0, "file", path, "line", (json_int_t)verification->number,
		    "why", verification->why->text, "lines",
		    (json_int_t)verification->check.lines));
	if (path != NULL)
		(void)printf("%s:%" PRIu64 ": ", path, verification->number);
	(void)printf("%s\n", verification->why->text);
	return JP_ERR_OK;
}

static enum status
verify(struct context *context, struct trail *trail, struct jp_why *why)
{
	struct jp_why bad = { .text = "" };
	struct verification verification = { .why = &bad };
	enum jp_err err =
	    open_all(&verification, trail, &context->settings, why);
	enum status status = STATUS_DONE;

	if (err == JP_ERR_OK)
		err = trail_each(trail, verify_line, &verification);
	if (err == JP_ERR_OK) {
		err = jp_audit_check_end(&verification.check, &bad);
		verification.number += err != JP_ERR_OK;
	}
	if (err == JP_ERR_DAMAGED) {
		status = STATUS_NO;
		err = print_bad(context, &verification);
	} else if (err == JP_ERR_OK) {
		err = print_whole(context, trail, &verification);
	}
	return err == JP_ERR_OK ? status : context_fail(context, err, why);
}

static enum status
run(struct context *context)
{
	static struct view view;
	struct trail trail = { .files = NULL };
	struct jp_why why = { .text = "" };
	enum jp_err err = context_load(context, &why);
	enum status status = STATUS_DONE;

	view.context = context;
	if (err == JP_ERR_OK && args.file_len == 0 &&
	    context->settings.audit_file[0] == '\0')
		err = jp_why(&why, JP_ERR_CONFIG,
		    "there is no audit trail: [patd] audit_file is not set");
	if (err == JP_ERR_OK && args.verify)
		status = verify(context, &trail, &why);
	else if (err == JP_ERR_OK)
		err = show_all(&view, &trail, &why);
	trail_close(&trail);
	return err == JP_ERR_OK ? status : context_fail(context, err, &why);
}

const struct command cmd_audit = {
	.name = "audit",
	.synopsis = "[OPTION]... | verify [FILE]...",
	.help = "show the audit trail, or verify that it is complete",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_max = FILES_MAX + 1,
	.word = CMD_CALL("verify", NULL, NULL, take_word),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
