/*
 * A file or folder that is made beside another one, and then put in its place:
 * what was there is kept under a name of its own, and can come back.
 */
#ifndef PAT_ADMIN_PLACE_H
#define PAT_ADMIN_PLACE_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/config/settings.h"

enum { PLACE_MAX = JP_PATH_MAX + 32 };

struct place {
	const char *path;
	char new[PLACE_MAX]; /* what comes there */
	char old[PLACE_MAX]; /* what was there; "": nothing was */
	bool put;            /* the new one is there */
};

/* Only says how `new` is called: it may be there. */
void place_name(struct place *place, const char *path, const char *suffix);

/*
 * Chooses the names, `new` is `path` with `suffix`, and makes the folders
 * above. JP_ERR_EXISTS if `new` is there. `path` has to outlive `place`.
 */
enum jp_err place_set(struct place *place, const char *path, const char *suffix,
    struct jp_why *why);

/* As place_set(), of one that is there already, beside `path`. */
enum jp_err place_from(struct place *place, const char *path, const char *from,
    struct jp_why *why);

/*
 * Puts the new one there, durably; `put` says whether it is there, also after
 * an error. Afterwards this process acts as itself.
 */
enum jp_err place_put(struct place *place, struct jp_why *why);

/*
 * What was there comes back, and the new one is called `new` again; nothing to
 * do if it was not put there. False: that cannot be done.
 */
bool place_take_back(struct place *place);

#endif
