/*
 * pat-admin sync-users: makes the users what a full list says: who is missing
 * or inactive there is disabled. Everything is read, checked and compared
 * before the first user is changed.
 */
#include "tools/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/csv_file.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/session.h"

enum {
	SHARE_DEFAULT = 20, /* percent */
	COLUMN_USER = 0,
	COLUMN_ACTIVE,
	COLUMN_GROUPS,
	COLUMN_COUNT,
};

static const char separators[] = " \t,;";

static const struct csv_column columns[COLUMN_COUNT] = {
	[COLUMN_USER] = { "user", true },
	[COLUMN_ACTIVE] = { "active", false },
	[COLUMN_GROUPS] = { "groups", false },
};

/* One user, of the list, of the store, or of both. */
struct person {
	char *name;
	unsigned long line;   /* in the list; 0: it is missing there */
	bool active;          /* of the list */
	char *groups;         /* of the list, one space between them, or NULL */
	bool known, disabled; /* of the store */
	char *had;            /* groups of the store, or NULL: none */
};

static struct sync_args {
	const char *file;
	bool dry_run, force;
	unsigned int share;
	/* what was found */
	size_t len, cap;
	struct person *people;
	json_t *index; /* of names, in `people` */
	struct jp_why *why;
} args = { .share = SHARE_DEFAULT };

/* ---- arguments ---- */

static enum jp_err
take_file(void *arg, char *value, struct jp_why *why)
{
	(void)why;
	((struct sync_args *)arg)->file = value;
	return JP_ERR_OK;
}

static enum jp_err
take_dry(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct sync_args *)arg)->dry_run = true;
	return JP_ERR_OK;
}

static enum jp_err
take_force(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct sync_args *)arg)->force = true;
	return JP_ERR_OK;
}

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

static const struct cmd_option options[] = {
	{ "--dry-run", NULL, "only say what would be changed", take_dry },
	{ "--max-disable", "SHARE",
	    "refuse to disable more of the active users; 20%", take_share },
	{ "--force", NULL, "disable whatever share it is", take_force },
};

/* ---- people ---- */

static struct person *
add_person(const char *name)
{
	struct person *person;

	if (args.len == args.cap) {
		size_t cap = args.cap != 0 ? 2 * args.cap : 256;
		struct person *more =
		    reallocarray(args.people, cap, sizeof(*more));

		if (more == NULL)
			return NULL;
		args.people = more;
		args.cap = cap;
	}
	person = &args.people[args.len];
	*person = (struct person){ .name = strdup(name), .active = true };
	if (person->name == NULL ||
	    json_object_set_new(
	        args.index, name, json_integer((json_int_t)args.len)) != 0)
		return NULL;
	args.len++;
	return person;
}

/* The person of this name, a new one if need be; NULL: no memory. */
static struct person *
person_of(const char *name)
{
	json_t *at = json_object_get(args.index, name);

	return at != NULL ? &args.people[json_integer_value(at)]
	                  : add_person(name);
}

static void
free_people(void)
{
	for (size_t i = 0; i < args.len; i++) {
		free(args.people[i].name);
		free(args.people[i].groups);
		free(args.people[i].had);
	}
	free(args.people);
	json_decref(args.index);
}

/* ---- the list ---- */

static enum jp_err
read_active(const char *text, bool *active, struct jp_why *why)
{
	static const struct {
		const char *word;
		bool active;
	} words[] = { { "yes", true }, { "true", true }, { "1", true },
		{ "", true }, { "no", false }, { "false", false },
		{ "0", false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, text) != 0)
			continue;
		*active = words[i].active;
		return JP_ERR_OK;
	}
	return jp_why(why, JP_ERR_INVALID, "active: expected yes or no");
}

static char *
join_groups(const struct jp_user *user)
{
	char text[JP_GROUPS_MAX * (JP_GROUP_MAX + 1) + 1] = "";
	size_t used = 0;

	for (size_t i = 0; i < user->group_len; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s%s", i > 0 ? " " : "", user->groups[i]);
	return strdup(text);
}

static enum jp_err
split_groups(const char *text, struct jp_user *user, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (text += strspn(text, separators);
	     *text != '\0' && err == JP_ERR_OK;
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		char group[JP_GROUP_MAX + 2];

		(void)snprintf(group, sizeof(group), "%.*s",
		    (int)(len < sizeof(group) ? len : sizeof(group) - 1), text);
		err = jp_user_add_group(user, group, why);
		text += len;
	}
	return err;
}

/* One line of the list; `groups` NULL: it does not say. */
static enum jp_err
add_line(unsigned long line, const struct jp_user *user, bool groups,
    struct jp_why *why)
{
	enum jp_err err = jp_user_check(user->name, why);
	struct person *person;

	if (err != JP_ERR_OK)
		return err;
	person = person_of(user->name);
	if (person == NULL)
		return JP_ERR_NOMEM;
	if (person->line != 0)
		return jp_why(why, JP_ERR_INVALID,
		    "expected each user once: it stands in line %lu, too",
		    person->line);
	person->line = line;
	person->active = !user->disabled;
	if (groups)
		person->groups = join_groups(user);
	return groups && person->groups == NULL ? JP_ERR_NOMEM : JP_ERR_OK;
}

static enum jp_err
take_row(struct csv_file *csv, const char *const *fields, bool groups)
{
	struct jp_user user = { .name = "" };
	bool active = true;
	enum jp_err err = JP_ERR_OK;

	args.why->text[0] = '\0';
	if (jp_field_set(user.name, sizeof(user.name), fields[COLUMN_USER]) !=
	    JP_ERR_OK)
		err = jp_why(args.why, JP_ERR_INVALID,
		    "the user name is longer than %d bytes", JP_USER_MAX);
	if (err == JP_ERR_OK)
		err = read_active(fields[COLUMN_ACTIVE], &active, args.why);
	if (err == JP_ERR_OK)
		err = split_groups(fields[COLUMN_GROUPS], &user, args.why);
	user.disabled = !active;
	if (err == JP_ERR_OK)
		err = add_line(csv->line, &user, groups, args.why);
	return err == JP_ERR_OK ? err : csv_file_at(csv, err, args.why);
}

static enum jp_err
read_csv(FILE *file, const char *name)
{
	static struct csv_file csv;
	const char *fields[CSV_COLUMNS_MAX];
	bool end = false, groups = false;
	enum jp_err err =
	    csv_file_open(&csv, file, name, columns, COLUMN_COUNT, args.why);

	for (size_t i = 0; err == JP_ERR_OK && i < csv.width; i++)
		groups |= csv.column[i] == COLUMN_GROUPS;
	while (err == JP_ERR_OK) {
		err = csv_file_next(&csv, fields, &end, args.why);
		if (err != JP_ERR_OK || end)
			break;
		err = take_row(&csv, fields, groups);
	}
	return err;
}

static enum jp_err
take_groups_json(json_t *list, struct jp_user *user, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (!json_is_array(list))
		return jp_why(
		    why, JP_ERR_INVALID, "groups: expected a list of strings");
	for (size_t i = 0; i < json_array_size(list) && err == JP_ERR_OK; i++) {
		const char *group = json_string_value(json_array_get(list, i));

		if (group == NULL)
			return jp_why(why, JP_ERR_INVALID,
			    "groups: expected a list of strings");
		err = jp_user_add_group(user, group, why);
	}
	return err;
}

static enum jp_err
take_key(const char *key, json_t *value, struct jp_user *user, bool *groups,
    struct jp_why *why)
{
	if (strcmp(key, "user") == 0 && json_is_string(value))
		return jp_field_set(user->name, sizeof(user->name),
		           json_string_value(value)) == JP_ERR_OK
		           ? JP_ERR_OK
		           : jp_why(why, JP_ERR_INVALID,
		                 "the user name is longer than %d bytes",
		                 JP_USER_MAX);
	if (strcmp(key, "active") == 0 && json_is_boolean(value)) {
		user->disabled = json_is_false(value);
		return JP_ERR_OK;
	}
	if (strcmp(key, "groups") == 0) {
		*groups = true;
		return take_groups_json(value, user, why);
	}
	return jp_why(why, JP_ERR_INVALID,
	    "expected the keys \"user\" (a string), \"active\" (true or "
	    "false), \"groups\" (a list of strings)");
}

static enum jp_err
take_object(const char *text, unsigned long line, struct jp_why *why)
{
	struct jp_user user = { .name = "" };
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
	enum jp_err err = JP_ERR_OK;
	bool groups = false;
	const char *key;

	if (!json_is_object(json))
		err = jp_why(why, JP_ERR_INVALID, "expected one JSON object");
	json_object_foreach(json, key, value)
	{
		if (err == JP_ERR_OK)
			err = take_key(key, value, &user, &groups, why);
	}
	json_decref(json);
	return err == JP_ERR_OK ? add_line(line, &user, groups, why) : err;
}

static enum jp_err
read_json(FILE *file, const char *name)
{
	struct jp_why why = { .text = "" };
	unsigned long line = 0;
	enum jp_err err = JP_ERR_OK;
	char *text = NULL;
	size_t size = 0;

	while (err == JP_ERR_OK && getline(&text, &size, file) >= 0) {
		line++;
		if (text[strspn(text, " \t\r\n")] != '\0')
			err = take_object(text, line, &why);
	}
	free(text);
	if (err != JP_ERR_OK)
		return jp_why(args.why, err, "%.200s:%lu: %.280s", name, line,
		    why.text[0] != '\0' ? why.text : jp_err_text(err));
	return ferror(file) ? jp_why(args.why, JP_ERR_IO, "%s: %s", name,
	                          strerror(errno))
	                    : JP_ERR_OK;
}

static enum jp_err
read_list(void)
{
	bool standard = strcmp(args.file, "-") == 0;
	const char *name = standard ? "standard input" : args.file;
	FILE *file = standard ? stdin : fopen(args.file, "re");
	enum jp_err err;
	int first;

	if (file == NULL)
		return jp_why(args.why, jp_err_from_errno(errno), "%s: %s",
		    name, strerror(errno));
	first = getc(file);
	if (first != EOF)
		(void)ungetc(first, file);
	err = first == '{' ? read_json(file, name) : read_csv(file, name);
	if (!standard)
		(void)fclose(file);
	return err;
}

/* ---- the store ---- */

static enum jp_err
take_known(void *arg, const struct jp_admin_item *item)
{
	struct person *person;

	(void)arg;
	if (item->kind != JP_ITEM_USER && item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	person = person_of(
	    item->kind == JP_ITEM_USER ? item->user.name : item->record.user);
	if (person == NULL)
		return JP_ERR_NOMEM;
	person->known = true;
	if (item->kind != JP_ITEM_USER)
		return JP_ERR_OK;
	person->disabled = item->user.disabled;
	person->had = join_groups(&item->user);
	return person->had != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

/* Those with a record, and those with a live token. */
static enum jp_err
read_store(struct session *session)
{
	static struct jp_admin_request request;
	enum jp_err err;

	request.op = JP_ADMIN_USERS;
	request.all = true;
	err = session_run(session, &request, take_known, NULL, args.why);
	request.op = JP_ADMIN_LIST;
	request.all = false;
	return err == JP_ERR_OK
	           ? session_run(session, &request, take_known, NULL, args.why)
	           : err;
}

/* ---- the difference ---- */

static bool
is_active(const struct person *person)
{
	return person->line != 0 && person->active;
}

static bool
state_changes(const struct person *person)
{
	return is_active(person) == person->disabled;
}

static bool
groups_change(const struct person *person)
{
	return person->groups != NULL &&
	       strcmp(person->groups, person->had != NULL ? person->had : "");
}

static enum jp_err
check_share(void)
{
	size_t active = 0, hit = 0;

	for (size_t i = 0; i < args.len; i++) {
		const struct person *person = &args.people[i];

		active += person->known && !person->disabled;
		hit += person->known && !person->disabled && !is_active(person);
	}
	if (args.force || args.dry_run || hit * 100 <= args.share * active)
		return JP_ERR_OK;
	return jp_why(args.why, JP_ERR_REFUSED,
	    "this would disable %zu of %zu active users, more than %u%%: look "
	    "at them with --dry-run; then give --max-disable or --force",
	    hit, active, args.share);
}

static enum jp_err
print_person(const struct context *context, const struct person *person)
{
	json_t *json;

	if (!context->json) {
		if (state_changes(person))
			(void)printf("%s %s%s\n",
			    is_active(person) ? "enable" : "disable",
			    person->name,
			    person->line != 0 ? "" : " (not in the list)");
		if (groups_change(person))
			(void)printf("groups %s: %s\n", person->name,
			    person->groups[0] != '\0' ? person->groups : "-");
		return JP_ERR_OK;
	}
	json = json_pack("{s:s,s:b,s:b}", "user", person->name, "active",
	    (int)is_active(person), "listed", (int)(person->line != 0));
	if (groups_change(person))
		(void)json_object_set_new(
		    json, "groups", json_string(person->groups));
	return json_print(json);
}

static enum jp_err
ignore(void *arg, const struct jp_admin_item *item)
{
	(void)arg;
	(void)item;
	return JP_ERR_OK;
}

static enum jp_err
change_person(struct session *session, const struct person *person)
{
	static struct jp_admin_request request;
	struct jp_user *user = &request.user;
	struct jp_why ignored;

	request.op = JP_ADMIN_SET_USER;
	request.user_fields = state_changes(person) ? JP_USER_STATE : 0;
	jp_user_default(user, person->name);
	user->disabled = !is_active(person);
	if (person->line == 0) {
		request.user_fields |= JP_USER_NOTE;
		(void)jp_field_set(user->note, sizeof(user->note),
		    "not in the list of sync-users");
	}
	if (groups_change(person)) {
		request.user_fields |= JP_USER_GROUPS;
		(void)split_groups(person->groups, user, &ignored);
	}
	return session_run(session, &request, ignore, NULL, args.why);
}

static enum jp_err
change_all(struct context *context, struct session *session)
{
	struct progress progress;
	enum jp_err err = JP_ERR_OK;
	size_t changed = 0;

	progress_start(&progress, "sync-users", "users");
	for (size_t i = 0; i < args.len && err == JP_ERR_OK; i++) {
		const struct person *person = &args.people[i];

		progress_show(&progress, i, args.len);
		if (!state_changes(person) && !groups_change(person))
			continue;
		changed++;
		if (!args.dry_run)
			err = change_person(session, person);
		if (err == JP_ERR_OK)
			err = print_person(context, person);
	}
	progress_end(&progress);
	if (err == JP_ERR_OK)
		(void)fprintf(stderr, "%zu users %s, %zu stay as they are.\n",
		    changed, args.dry_run ? "would be changed" : "changed",
		    args.len - changed);
	return err;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = JP_ERR_NOMEM;

	args.why = &why;
	args.index = json_object();
	if (args.index != NULL)
		err = read_list();
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		err = read_store(&session);
		if (err == JP_ERR_OK)
			err = check_share();
		if (err == JP_ERR_OK)
			err = change_all(context, &session);
		session_close(&session);
	}
	free_people();
	return err == JP_ERR_OK ? STATUS_DONE : fail(context, err, &why);
}

const struct command cmd_sync_users = {
	.name = "sync-users",
	.synopsis = "FILE [OPTION]...",
	.help = "disable who is not in a full list of users, CSV or JSON",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.take_word = take_file,
	.args = &args,
	.prints = true,
	.run = run,
};
