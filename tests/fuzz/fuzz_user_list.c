/*
 * A full list of users, as CSV, JSON lines or a JSON array, in any charset:
 * what is accepted is read the same if it is written as JSON; and a user of the
 * store whose name differs from one of the list in case alone is told of.
 *
 * In the first byte, 1 is another name of a column, and 2 is that the list
 * comes from a file, 4 that this is a folder, and 8 that there is none.
 */
#include <ctype.h>

#include "common/record/user.h"
#include "tests/fuzz/errors.h"
#include "tests/fuzz/scratch.h"
#include "tools/formats/user_list.h"

static const struct csv_style plain = { 0 };

static enum jp_err
read_list(struct people *people, const uint8_t *data, size_t size,
    const struct csv_style *style, struct jp_why *why)
{
	FILE *real = stdin;
	enum jp_err err;

	FUZZ_ASSERT(people_start(people) == JP_ERR_OK);
	stdin = fuzz_file(data, size);
	err = user_list_read(people, "-", style, why);
	(void)fclose(stdin);
	stdin = real;
	return err;
}

/* The same from a file of a folder. */
static enum jp_err
read_file(struct people *people, const uint8_t *data, size_t size, uint8_t how,
    const struct csv_style *style, struct jp_why *why)
{
	static char path[64]; /* errors name it */

	(void)snprintf(path, sizeof(path), "%s/%s", fuzz_scratch(),
	    (how & 8) != 0 ? "none" : "users");
	fuzz_scratch_write(path, data, size, 0600);
	if ((how & 12) != 0)
		(void)unlink(path);
	FUZZ_ASSERT(people_start(people) == JP_ERR_OK);
	return user_list_read(
	    people, (how & 4) != 0 ? fuzz_scratch() : path, style, why);
}

/* Its groups as a list of JSON. */
static json_t *
groups_of(const struct person *person)
{
	struct jp_user user = { .name = "" };
	struct jp_why why;
	json_t *list = json_array();

	FUZZ_ASSERT(
	    jp_user_add_groups(&user, person->groups, " ", &why) == JP_ERR_OK);
	for (size_t i = 0; i < user.group_len; i++)
		(void)json_array_append_new(list, json_string(user.groups[i]));
	return list;
}

static char *
write_list(const struct people *people)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < people->len; i++) {
		const struct person *person = &people->all[i];
		json_t *one = json_pack("{s:s,s:b}", "user", person->name,
		    "active", (int)person->active);

		if (person->groups != NULL)
			(void)json_object_set_new(
			    one, "groups", groups_of(person));
		FUZZ_ASSERT(json_array_append_new(list, one) == 0);
	}
	text = json_dumps(list, 0);
	FUZZ_ASSERT(text != NULL);
	json_decref(list);
	return text;
}

static void
compare(const struct person *a, const struct person *b)
{
	FUZZ_ASSERT(strcmp(a->name, b->name) == 0 && a->active == b->active);
	FUZZ_ASSERT((a->groups == NULL) == (b->groups == NULL));
	FUZZ_ASSERT(a->groups == NULL || strcmp(a->groups, b->groups) == 0);
}

static void
read_again(const struct people *people)
{
	char *text = write_list(people);
	struct jp_why why = { .text = "" };
	struct people again;

	FUZZ_ASSERT(read_list(&again, (const uint8_t *)text, strlen(text),
	                &plain, &why) == JP_ERR_OK);
	FUZZ_ASSERT(again.len == people->len);
	for (size_t i = 0; i < again.len; i++)
		compare(&people->all[i], &again.all[i]);
	people_free(&again);
	free(text);
}

/* Letters of the other case, of which there has to be one. */
static bool
change_case(char *name)
{
	bool changed = false;

	for (; *name != '\0'; name++)
		if (isascii(*name) && isalpha(*name)) {
			*name = (char)(*name ^ ('a' ^ 'A'));
			changed = true;
		}
	return changed;
}

/* The store has somebody like the first of the list. */
static void
meet_the_store(struct people *people, bool disabled)
{
	struct jp_why why = { .text = "" };
	struct person *person;
	char *name;

	if (people->len == 0)
		return;
	name = strdup(people->all[0].name);
	FUZZ_ASSERT(name != NULL);
	if (change_case(name)) {
		person = people_find(people, name);
		FUZZ_ASSERT(person != NULL);
		person->known = true;
		person->disabled = disabled;
		if (people_check_names(people, &why) != JP_ERR_OK)
			fuzz_says(why.text);
		else
			FUZZ_ASSERT(disabled && person->line == 0);
	}
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_why why = { .text = "" };
	struct csv_style style = { 0 };
	struct fuzz_errors errors;
	struct people people;
	enum jp_err err;

	if (size == 0)
		return 0;
	if ((data[0] & 1) != 0)
		(void)csv_style_column(&style, "user=mail", &why);
	fuzz_errors_take(&errors);
	err =
	    (data[0] & 14) != 0
	        ? read_file(&people, data + 1, size - 1, data[0], &style, &why)
	        : read_list(&people, data + 1, size - 1, &style, &why);
	if (err == JP_ERR_OK) {
		read_again(&people);
		if (people_check_names(&people, &why) != JP_ERR_OK)
			fuzz_says(why.text);
		meet_the_store(&people, size % 3 == 0);
		people_sort(&people);
	} else {
		fuzz_says(why.text);
	}
	fuzz_errors_end(&errors);
	people_free(&people);
	return 0;
}
