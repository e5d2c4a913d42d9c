#include "tools/formats/user_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/escape.h"
#include "tools/formats/text_file.h"

enum {
	COLUMN_USER = 0,
	COLUMN_ACTIVE,
	COLUMN_GROUPS,
	COLUMN_COUNT,
};

static const struct csv_column columns[COLUMN_COUNT] = {
	[COLUMN_USER] = { "user", true },
	[COLUMN_ACTIVE] = { "active", false },
	[COLUMN_GROUPS] = { "groups", false },
};
_Static_assert(COLUMN_COUNT == 3, "a row above for each column");

/* A list that is being read. */
struct list {
	struct people *people;
	const struct csv_style *style;
	struct text_file text;
	struct jp_why *why;
};

/* ---- one user ---- */

static enum jp_err
read_active(const char *text, bool *active, struct jp_why *why)
{
	static const struct {
		const char *word;
		bool active;
	} words[] = { { "yes", true }, { "true", true }, { "1", true },
		{ "active", true }, { "enabled", true }, { "", true },
		{ "no", false }, { "false", false }, { "0", false },
		{ "inactive", false }, { "disabled", false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		*active = words[i].active;
		return JP_ERR_OK;
	}
	return jp_why(why, JP_ERR_INVALID,
	    "active: expected yes or no, true or false, 1 or 0");
}

static enum jp_err
set_name(struct jp_user *user, const char *name, struct jp_why *why)
{
	return jp_field_set(user->name, sizeof(user->name), name) == JP_ERR_OK
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_INVALID,
	                 "the user name is longer than %d bytes", JP_USER_MAX);
}

/* `groups` false: the list says nothing of groups. */
static enum jp_err
add_user(struct people *people, unsigned long line, const struct jp_user *user,
    bool groups, struct jp_why *why)
{
	char text[JP_GROUPS_TEXT_MAX];
	enum jp_err err = jp_user_check_new(user->name, why);
	struct person *person;

	if (err != JP_ERR_OK)
		return err;
	person = people_find(people, user->name);
	if (person == NULL)
		return JP_ERR_NOMEM;
	if (person->line != 0)
		return jp_why(why, JP_ERR_INVALID,
		    "expected each user once: it stands in %s %lu, too",
		    people->unit, person->line);
	person->line = line;
	person->active = !user->disabled;
	if (!groups)
		return JP_ERR_OK;
	jp_user_print_groups(user, ' ', text);
	person->groups = strdup(text);
	return person->groups != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

/* ---- CSV ---- */

/* Where there is no semicolon, commas separate groups; spaces never do. */
static enum jp_err
read_groups(const char *text, struct jp_user *user, struct jp_why *why)
{
	return jp_user_add_groups(
	    user, text, strchr(text, ';') != NULL ? ";" : ",", why);
}

static enum jp_err
take_row(struct list *list, struct csv_file *csv, const char *const *fields,
    bool groups)
{
	struct jp_user user = { .name = "" };
	bool active = true;
	enum jp_err err;

	list->why->text[0] = '\0';
	err = set_name(&user, fields[COLUMN_USER], list->why);
	if (err == JP_ERR_OK)
		err = read_active(fields[COLUMN_ACTIVE], &active, list->why);
	if (err == JP_ERR_OK)
		err = read_groups(fields[COLUMN_GROUPS], &user, list->why);
	user.disabled = !active;
	if (err == JP_ERR_OK)
		err =
		    add_user(list->people, csv->line, &user, groups, list->why);
	return err == JP_ERR_OK ? err : csv_file_at(csv, err, list->why);
}

static enum jp_err
read_csv(struct list *list)
{
	static struct csv_file csv;
	const char *fields[CSV_COLUMNS_MAX];
	bool end = false, groups = false;
	enum jp_err err = csv_file_open(&csv, list->text.file, list->text.name,
	    columns, COLUMN_COUNT, list->style, list->why);

	for (size_t i = 0; err == JP_ERR_OK && i < csv.width; i++)
		groups |= csv.column[i] == COLUMN_GROUPS;
	while (err == JP_ERR_OK) {
		err = csv_file_next(&csv, fields, &end, list->why);
		if (err != JP_ERR_OK || end)
			break;
		err = take_row(list, &csv, fields, groups);
	}
	return err;
}

/* ---- JSON ---- */

static enum jp_err
take_groups(json_t *list, struct jp_user *user, struct jp_why *why)
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

/* Which of our columns a key is; COLUMN_COUNT: none. */
static size_t
column_of(const struct csv_style *style, const char *key)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const char *name = columns[i].name;

		for (size_t j = 0; j < style->map_len; j++)
			if (strcasecmp(style->maps[j].column, name) == 0)
				name = style->maps[j].head;
		if (strcmp(name, key) == 0)
			return i;
	}
	return COLUMN_COUNT;
}

static enum jp_err
take_key(const struct list *list, const char *key, json_t *value,
    struct jp_user *user, bool *groups)
{
	size_t column = column_of(list->style, key);
	char shown[JP_ESCAPED_MAX(32)];

	if (column == COLUMN_USER && json_is_string(value))
		return set_name(user, json_string_value(value), list->why);
	if (column == COLUMN_ACTIVE && json_is_boolean(value)) {
		user->disabled = json_is_false(value);
		return JP_ERR_OK;
	}
	if (column == COLUMN_GROUPS) {
		*groups = true;
		return take_groups(value, user, list->why);
	}
	if (column == COLUMN_COUNT && list->style->map_len > 0)
		return JP_ERR_OK;
	return jp_why(list->why, JP_ERR_INVALID,
	    "%.80s: expected the keys \"user\" (a string), \"active\" (true or "
	    "false), \"groups\" (a list of strings)",
	    jp_escape(shown, sizeof(shown), key));
}

static enum jp_err
take_object(struct list *list, json_t *json, unsigned long line)
{
	struct jp_user user = { .name = "" };
	enum jp_err err = JP_ERR_OK;
	bool groups = false;
	const char *key;
	json_t *value;

	list->why->text[0] = '\0';
	if (!json_is_object(json))
		err = jp_why(
		    list->why, JP_ERR_INVALID, "expected one JSON object");
	json_object_foreach(json, key, value)
	{
		if (err == JP_ERR_OK)
			err = take_key(list, key, value, &user, &groups);
	}
	return err == JP_ERR_OK
	           ? add_user(list->people, line, &user, groups, list->why)
	           : err;
}

/* Puts the place in front of what is wrong. */
static enum jp_err
at_place(struct list *list, unsigned long line, enum jp_err err)
{
	const struct jp_why what = *list->why;

	return jp_why(list->why, err, "%.200s:%s%lu: %.270s", list->text.name,
	    strcmp(list->people->unit, "line") == 0 ? "" : "element ", line,
	    what.text[0] != '\0' ? what.text : jp_err_text(err));
}

static enum jp_err
read_lines(struct list *list)
{
	unsigned long line = 0;
	enum jp_err err = JP_ERR_OK;
	char *text = NULL;
	size_t size = 0;

	while (
	    err == JP_ERR_OK && getline(&text, &size, list->text.file) >= 0) {
		json_t *json;

		line++;
		if (text[strspn(text, " \t\r\n")] == '\0')
			continue;
		json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		err = take_object(list, json, line);
		json_decref(json);
	}
	free(text);
	return err == JP_ERR_OK ? err : at_place(list, line, err);
}

static enum jp_err
read_array(struct list *list)
{
	json_error_t error;
	json_t *array = json_loadb(
	    list->text.bytes, list->text.len, JSON_REJECT_DUPLICATES, &error);
	enum jp_err err = JP_ERR_OK;
	size_t i = 0;

	if (array == NULL)
		return jp_why(list->why, JP_ERR_INVALID,
		    "%.200s:%d: not JSON: %.200s", list->text.name, error.line,
		    error.text);
	list->people->unit = "element";
	while (i < json_array_size(array) && err == JP_ERR_OK) {
		json_t *json = json_array_get(array, i++);

		err = take_object(list, json, i);
	}
	json_decref(array);
	return err == JP_ERR_OK ? err : at_place(list, i, err);
}

enum jp_err
user_list_read(struct people *people, const char *path,
    const struct csv_style *style, struct jp_why *why)
{
	struct list list = { .people = people, .style = style, .why = why };
	enum jp_err err = text_file_open(&list.text, path, why);
	char first;

	people->list = list.text.name;
	if (err == JP_ERR_OK) {
		first = text_file_first(&list.text);
		err = first == '{'   ? read_lines(&list)
		      : first == '[' ? read_array(&list)
		                     : read_csv(&list);
	}
	text_file_close(&list.text);
	return err;
}
