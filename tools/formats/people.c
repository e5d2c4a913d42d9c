#include "tools/formats/people.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "common/base/escape.h"
#include "common/base/grow.h"
#include "common/base/text.h"

enum jp_err
people_start(struct people *people)
{
	*people = (struct people){ .index = json_object(), .unit = "line" };
	return people->index != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

void
people_free(struct people *people)
{
	for (size_t i = 0; i < people->len; i++) {
		free(people->all[i].name);
		free(people->all[i].groups);
		free(people->all[i].had);
	}
	free(people->all);
	json_decref(people->index);
	*people = (struct people){ .len = 0 };
}

static struct person *
add(struct people *people, const char *name)
{
	struct person *person;

	if (JP_GROW(people->all, people->len, people->cap) != JP_ERR_OK)
		return NULL;
	person = &people->all[people->len];
	*person = (struct person){ .name = strdup(name), .active = true };
	if (person->name == NULL ||
	    json_object_set_new(people->index, name,
	        json_integer((json_int_t)people->len)) != 0) {
		free(person->name);
		return NULL;
	}
	people->len++;
	return person;
}

struct person *
people_find(struct people *people, const char *name)
{
	json_t *at = json_object_get(people->index, name);

	return at != NULL ? &people->all[json_integer_value(at)]
	                  : add(people, name);
}

/* ---- names that look alike ---- */

/* A name without what people do not see; freed by the caller; NULL: no memory.
 */
static char *
fold(const char *name)
{
	size_t len = strlen(name), out_len = 0;
	uint8_t *out;
	char *text;

	while (len > 0 && jp_blank_at_end(name, len) > 0)
		len -= jp_blank_at_end(name, len);
	while (len > 0 && jp_blank_at_start(name, len) > 0) {
		size_t blank = jp_blank_at_start(name, len);

		name += blank;
		len -= blank;
	}
	out = u8_casefold(
	    (const uint8_t *)name, len, NULL, UNINORM_NFC, NULL, &out_len);
	text = out != NULL ? strndup((const char *)out, out_len) : NULL;
	free(out);
	return text;
}

/* Whether it may be the other spelling of somebody. */
static bool
counts(const struct person *person)
{
	return person->line != 0 || (person->known && !person->disabled);
}

static enum jp_err
alike(const struct people *people, const struct person *a,
    const struct person *b, struct jp_why *why)
{
	const struct person *listed = a->line != 0 ? a : b;
	const struct person *other = listed == a ? b : a;
	char one[JP_ESCAPED_MAX(64)], two[JP_ESCAPED_MAX(64)], place[64];

	(void)jp_escape(one, sizeof(one), listed->name);
	(void)jp_escape(two, sizeof(two), other->name);
	if (other->line != 0)
		(void)snprintf(place, sizeof(place), "of %s %lu", people->unit,
		    other->line);
	else
		(void)snprintf(place, sizeof(place), "of the store");
	return jp_why(why, JP_ERR_INVALID,
	    "%.150s:%lu: \"%.80s\" and \"%.80s\" %s differ in case or blanks "
	    "alone: "
	    "write one as the other%s",
	    people->list, listed->line, one, two, place,
	    other->line != 0 ? ""
	                     : ", or first `pat-admin user disable` the one "
	                       "of the store");
}

/* Two of whom at least one is in the list. */
static enum jp_err
compare(struct people *people, json_t *seen, size_t i, struct jp_why *why)
{
	const struct person *person = &people->all[i];
	char *key = fold(person->name);
	const struct person *other = NULL;
	json_t *at = key != NULL ? json_object_get(seen, key) : NULL;
	enum jp_err err = key != NULL ? JP_ERR_OK : JP_ERR_NOMEM;

	if (at != NULL)
		other = &people->all[json_integer_value(at)];
	if (other != NULL && (person->line != 0 || other->line != 0))
		err = alike(people, person, other, why);
	else if (key != NULL && other == NULL &&
	         json_object_set_new(seen, key, json_integer((json_int_t)i)) !=
	             0)
		err = JP_ERR_NOMEM;
	free(key);
	return err;
}

enum jp_err
people_check_names(struct people *people, struct jp_why *why)
{
	json_t *seen = json_object();
	enum jp_err err = seen != NULL ? JP_ERR_OK : JP_ERR_NOMEM;

	for (size_t i = 0; i < people->len && err == JP_ERR_OK; i++)
		if (counts(&people->all[i]))
			err = compare(people, seen, i, why);
	json_decref(seen);
	return err;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct person *)a)->name, ((const struct person *)b)->name);
}

void
people_sort(struct people *people)
{
	if (people->len > 1)
		qsort(
		    people->all, people->len, sizeof(people->all[0]), by_name);
	json_object_clear(people->index);
}
