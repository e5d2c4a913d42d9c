/*
 * The users of a full list and those of the store, side by side, by name.
 */
#ifndef PAT_ADMIN_PEOPLE_H
#define PAT_ADMIN_PEOPLE_H

#include <jansson.h>

#include "common/record/user.h"

/* One user, of the list, of the store, or of both. */
struct person {
	char *name;
	unsigned long line;   /* in the list; 0: it is missing there */
	bool active;          /* of the list */
	char *groups;         /* of the list, with spaces between, or NULL */
	bool known, disabled; /* of the store */
	bool protected;       /* of the store */
	char *had;            /* groups of the store, or NULL: none */
	const char *kept;     /* why it is not disabled, or NULL */
	bool regrouped;       /* the list has other groups than the store */
};

struct people {
	size_t len, cap;
	struct person *all;
	json_t *index;    /* of names, in `all` */
	const char *list; /* name of the list, for people */
	const char *unit; /* "line" of the list, or "element" */
};

enum jp_err people_start(struct people *people);
void people_free(struct people *people);

/* The person of this name, a new one if need be; NULL: no memory. */
struct person *people_find(struct people *people, const char *name);

/*
 * JP_ERR_INVALID, with both in `why`, if a name of the list differs from
 * another one, or from one of the store that is not disabled, in nothing but
 * case, in blanks at the ends, or in the form of its letters. Compared is what
 * Unicode's full case folding makes of them, in its form NFC.
 */
enum jp_err people_check_names(struct people *people, struct jp_why *why);

/* By name, as the store has them. */
void people_sort(struct people *people);

#endif
