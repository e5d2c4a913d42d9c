/*
 * pat-admin sync-users: makes the users what a full list says: who is missing
 * or inactive there is disabled. Everything is read, checked and compared
 * before the first user is changed. Then they are changed in batches, each of
 * them whole or not at all; a run that was interrupted is run again.
 */
#include "tools/commands/commands.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/formats/people.h"
#include "tools/cli/progress.h"
#include "tools/cli/rows.h"
#include "tools/formats/user_list.h"

enum {
	SHARE_DEFAULT = 20, /* percent */
	KEEP_MAX = 64,
};

static struct sync_args {
	const char *file;
	bool dry_run, force;
	unsigned int share;
	size_t keep_len;
	const char *keep[KEEP_MAX];
	struct csv_style style;
} args = { .share = SHARE_DEFAULT };

/* A run under way. */
struct sync {
	struct context *context;
	struct session *session;
	struct people people;
	size_t missing, inactive, enabled, groups, kept, changed;
	size_t first, end; /* those in the batch, and between them */
	struct rows rows;
	struct progress progress;
	struct jp_why *why;
};

/* ---- arguments ---- */

static enum jp_err
take_share(void *arg, char *value, struct jp_why *why)
{
	size_t len = strspn(value, "0123456789");
	unsigned long share =
	    len > 0 && len < 4 ? strtoul(value, NULL, 10) : 101;

	if (share > 100 ||
	    (value[len] != '\0' && strcmp(value + len, "%") != 0))
		return jp_why(why, JP_ERR_INVALID,
		    "--max-disable: expected a share such as 20%%");
	((struct sync_args *)arg)->share = (unsigned int)share;
	return JP_ERR_OK;
}

static enum jp_err
take_keep(void *arg, char *value, struct jp_why *why)
{
	struct sync_args *sync = arg;

	if (value[0] == '\0')
		return jp_why(
		    why, JP_ERR_INVALID, "--keep: expected a name or a glob");
	if (sync->keep_len == KEEP_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "--keep: more than %d of them: see `pat-admin user "
		    "protect`",
		    KEEP_MAX);
	sync->keep[sync->keep_len++] = value;
	return JP_ERR_OK;
}

static enum jp_err
take_separator(void *arg, char *value, struct jp_why *why)
{
	return csv_style_separator(
	    &((struct sync_args *)arg)->style, value, why);
}

static enum jp_err
take_column(void *arg, char *value, struct jp_why *why)
{
	return csv_style_column(&((struct sync_args *)arg)->style, value, why);
}

static const struct cmd_option options[] = {
	CMD_FLAG("--dry-run", "only say what would be changed",
	    struct sync_args, dry_run),
	CMD_CALL("--keep", "GLOB", "never disable these users", take_keep),
	CMD_CALL("--max-disable", "SHARE",
	    "refuse to disable more of the active users; 20%", take_share),
	CMD_FLAG(
	    "--force", "disable whatever share it is", struct sync_args, force),
	CMD_CALL("--separator", "CHAR", "CSV: comma, semicolon, tab or bar",
	    take_separator),
	CMD_CALL("--column", "OURS=THEIRS", "what the list calls a column",
	    take_column),
};

/* ---- the store ---- */

static enum jp_err
take_known(void *arg, const struct jp_admin_item *item)
{
	struct people *people = arg;
	char text[JP_GROUPS_TEXT_MAX];
	struct person *person;

	if (item->kind != JP_ITEM_USER && item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	person = people_find(people,
	    item->kind == JP_ITEM_USER ? item->user.name : item->record.user);
	if (person == NULL)
		return JP_ERR_NOMEM;
	person->known = true;
	if (item->kind != JP_ITEM_USER)
		return JP_ERR_OK;
	person->disabled = item->user.disabled;
	person->protected = item->user.protected;
	jp_user_print_groups(&item->user, ' ', text);
	person->had = strdup(text);
	return person->had != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

/* Those with a record, and those with a live token. */
static enum jp_err
read_store(struct sync *sync)
{
	static struct jp_admin_request request;
	enum jp_err err;

	request.op = JP_ADMIN_USERS;
	request.all = true;
	err = session_run(
	    sync->session, &request, take_known, &sync->people, sync->why);
	request.op = JP_ADMIN_LIST;
	request.all = false;
	return err == JP_ERR_OK ? session_run(sync->session, &request,
	                              take_known, &sync->people, sync->why)
	                        : err;
}

/* ---- the difference ---- */

/* What the list says. */
static bool
is_active(const struct person *person)
{
	return person->line != 0 && person->active;
}

static bool
state_changes(const struct person *person)
{
	return person->kept == NULL && is_active(person) == person->disabled;
}

/* In another order they are the same. */
static bool
groups_differ(const struct person *person)
{
	static struct jp_user listed, stored;
	const char *had = person->had != NULL ? person->had : "";
	struct jp_why ignored;

	if (person->groups == NULL || strcmp(person->groups, had) == 0)
		return false;
	if (had[0] == '\0' || person->groups[0] == '\0')
		return true;
	jp_user_default(&listed, "");
	jp_user_default(&stored, "");
	(void)jp_user_add_groups(&listed, person->groups, " ", &ignored);
	(void)jp_user_add_groups(&stored, had, " ", &ignored);
	return !jp_user_same(&listed, &stored);
}

/* Why this user stays active, although the list has it not so; or NULL. */
static const char *
keeper_of(const struct person *person)
{
	if (is_active(person) || person->disabled)
		return NULL;
	if (person->protected)
		return "protected";
	for (size_t i = 0; i < args.keep_len; i++)
		if (fnmatch(args.keep[i], person->name, 0) == 0)
			return args.keep[i];
	return NULL;
}

static void
count_all(struct sync *sync)
{
	for (size_t i = 0; i < sync->people.len; i++) {
		struct person *person = &sync->people.all[i];
		bool changes;

		person->kept = keeper_of(person);
		person->regrouped = groups_differ(person);
		changes = state_changes(person);
		sync->kept += person->kept != NULL;
		sync->enabled += changes && is_active(person);
		sync->missing += changes && person->line == 0;
		sync->inactive +=
		    changes && person->line != 0 && !person->active;
		sync->groups += person->regrouped;
		sync->changed += changes || person->regrouped;
	}
}

static bool
names_somebody(const struct sync *sync, const char *glob)
{
	for (size_t i = 0; i < sync->people.len; i++)
		if (fnmatch(glob, sync->people.all[i].name, 0) == 0)
			return true;
	return false;
}

/* A typing error there would disable those who were meant to be kept. */
static void
warn_of_idle_globs(const struct sync *sync)
{
	for (size_t i = 0; i < args.keep_len; i++)
		if (!names_somebody(sync, args.keep[i]))
			(void)fprintf(stderr,
			    "warning: --keep %s: no user has such a name\n",
			    args.keep[i]);
}

static enum jp_err
check_share(struct sync *sync)
{
	size_t active = 0, hit = 0;

	for (size_t i = 0; i < sync->people.len; i++) {
		const struct person *person = &sync->people.all[i];

		active += person->known && !person->disabled;
		hit +=
		    person->known && !person->disabled && state_changes(person);
	}
	if (args.force || hit * 100 <= args.share * active)
		return JP_ERR_OK;
	if (args.dry_run) {
		(void)fprintf(stderr,
		    "warning: without --dry-run this is refused: it would "
		    "disable %zu of %zu active users, more than %u%%\n",
		    hit, active, args.share);
		return JP_ERR_OK;
	}
	return jp_why(sync->why, JP_ERR_REFUSED,
	    "this would disable %zu of %zu active users, more than %u%%: look "
	    "at them with --dry-run; then give --max-disable or --force",
	    hit, active, args.share);
}

/* ---- output ---- */

static const char *
reason_of(const struct person *person)
{
	if (is_active(person))
		return "listed";
	return person->line == 0 ? "missing" : "inactive";
}

static void
print_text(const struct sync *sync, const struct person *person)
{
	char place[64] = "not in the list";

	if (person->line != 0)
		(void)snprintf(place, sizeof(place),
		    "inactive in %s %lu of the list", sync->people.unit,
		    person->line);
	if (state_changes(person) && is_active(person))
		(void)printf("enable %s\n", person->name);
	else if (state_changes(person))
		(void)printf("disable %s (%s)\n", person->name, place);
	if (person->kept != NULL)
		(void)printf("keep %s (%s; %s%s)\n", person->name, place,
		    person->protected ? "" : "--keep ", person->kept);
	if (person->regrouped)
		(void)printf("groups %s: %s\n", person->name,
		    person->groups[0] != '\0' ? person->groups : "-");
}

static json_t *
json_groups(const char *text)
{
	static struct jp_user user;
	struct jp_why ignored;
	json_t *groups = json_array();

	jp_user_default(&user, "");
	(void)jp_user_add_groups(&user, text, " ", &ignored);
	for (size_t i = 0; i < user.group_len; i++)
		(void)json_array_append_new(
		    groups, json_string(user.groups[i]));
	return groups;
}

static enum jp_err
print_json(const struct person *person)
{
	json_t *json = json_pack("{s:s,s:b,s:b,s:s}", "user", person->name,
	    "active", (int)(is_active(person) || person->kept != NULL),
	    "listed", (int)(person->line != 0), "reason", reason_of(person));

	if (person->kept != NULL)
		(void)json_object_set_new(
		    json, "kept", json_string(person->kept));
	if (person->regrouped) {
		(void)json_object_set_new(
		    json, "groups", json_string(person->groups));
		(void)json_object_set_new(
		    json, "group_list", json_groups(person->groups));
	}
	return output_json(json);
}

/* Those from `first` on, up to `end`, of whom there is something to say. */
static enum jp_err
print_people(struct sync *sync, size_t first, size_t end)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = first; i < end && err == JP_ERR_OK; i++) {
		const struct person *person = &sync->people.all[i];

		if (!state_changes(person) && !person->regrouped &&
		    person->kept == NULL)
			continue;
		if (sync->context->json)
			err = print_json(person);
		else
			print_text(sync, person);
	}
	return err;
}

static void
print_summary(const struct sync *sync)
{
	(void)fprintf(stderr, "%zu users %s, %zu stay as they are.\n",
	    sync->changed, args.dry_run ? "would be changed" : "changed",
	    sync->people.len - sync->changed);
	if (sync->changed + sync->kept > 0)
		(void)fprintf(stderr,
		    "Disabled: %zu (not in the list: %zu, inactive there: "
		    "%zu); enabled: %zu; groups set: %zu; kept: %zu.\n",
		    sync->missing + sync->inactive, sync->missing,
		    sync->inactive, sync->enabled, sync->groups, sync->kept);
}

/* ---- the changes ---- */

static void
describe(const struct person *person, struct jp_user_change *change)
{
	struct jp_user *user = &change->user;
	struct jp_why ignored;

	change->fields = state_changes(person) ? JP_USER_STATE : 0;
	jp_user_default(user, person->name);
	user->disabled = !is_active(person);
	if (state_changes(person) && person->line == 0) {
		change->fields |= JP_USER_NOTE;
		(void)jp_field_set(user->note, sizeof(user->note),
		    "not in the list of sync-users");
	}
	if (person->regrouped) {
		change->fields |= JP_USER_GROUPS;
		(void)jp_user_add_groups(user, person->groups, " ", &ignored);
	}
}

/* Prints what is done, up to `end`. */
static enum jp_err
print_done(void *arg, struct jp_why *why)
{
	struct sync *sync = arg;
	enum jp_err err = print_people(sync, sync->first, sync->end);

	(void)why;
	sync->first = sync->end;
	progress_show(&sync->progress, sync->end, sync->people.len);
	return err;
}

static enum jp_err
put_change(struct jp_buf *buf, const void *row)
{
	return jp_batch_put_user(buf, row);
}

static enum jp_err
change(struct sync *sync, size_t i)
{
	static struct jp_user_change change;
	const struct person *person = &sync->people.all[i];

	describe(person, &change);
	sync->end = i;
	return rows_add(
	    &sync->rows, person->line, put_change, &change, sync->why);
}

static enum jp_err
change_all(struct sync *sync)
{
	enum jp_err err = JP_ERR_OK;

	sync->rows.session = sync->session;
	sync->rows.op = JP_ADMIN_SET_USERS;
	sync->rows.sent = print_done;
	sync->rows.arg = sync;
	rows_start(&sync->rows);
	progress_start(&sync->progress, "sync-users", "users");
	for (size_t i = 0; i < sync->people.len && err == JP_ERR_OK; i++) {
		const struct person *person = &sync->people.all[i];

		if (state_changes(person) || person->regrouped)
			err = change(sync, i);
	}
	sync->end = sync->people.len;
	if (err == JP_ERR_OK)
		err = rows_send(&sync->rows, sync->why);
	if (err == JP_ERR_OK)
		err = print_done(sync, sync->why);
	progress_end(&sync->progress);
	if (err != JP_ERR_OK)
		(void)fprintf(stderr, "The changes printed were made: run it "
		                      "again for the rest.\n");
	return err;
}

static enum jp_err
sync_all(struct sync *sync)
{
	enum jp_err err = read_store(sync);

	if (err == JP_ERR_OK)
		err = people_check_names(&sync->people, sync->why);
	if (err != JP_ERR_OK)
		return err;
	people_sort(&sync->people);
	count_all(sync);
	warn_of_idle_globs(sync);
	err = check_share(sync);
	if (err == JP_ERR_OK)
		err = args.dry_run ? print_people(sync, 0, sync->people.len)
		                   : change_all(sync);
	if (err == JP_ERR_OK)
		print_summary(sync);
	return err;
}

static enum status
run(struct context *context)
{
	static struct sync sync;
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = people_start(&sync.people);

	sync.context = context;
	sync.session = &session;
	sync.why = &why;
	if (err == JP_ERR_OK)
		err =
		    user_list_read(&sync.people, args.file, &args.style, &why);
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		why.text[0] = '\0'; /* what was said of patd is no error */
		err = sync_all(&sync);
		session_close(&session);
	}
	people_free(&sync.people);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

const struct command cmd_sync_users = {
	.name = "sync-users",
	.synopsis = "FILE [OPTION]...",
	.help = "disable users that are not in a full list, CSV or JSON",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.word = CMD_TEXT("FILE", NULL, NULL, struct sync_args, file),
	.args = &args,
	.prints = true,
	.run = run,
};
