#include "tools/formats/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/record/pepper.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"

enum { OLD_TRIES = 1000 }; /* names for what was there, of one second */

/* What is there goes to "PATH.before-20261125T010203Z", and with "-2", "-3" …
 * behind where that name is taken. */
static enum jp_err
name_old(struct place *place, struct jp_why *why)
{
	time_t now = (time_t)jp_clock_now(&jp_system_clock);
	char when[sizeof("20261125T010203Z")], more[16] = "";
	struct tm utc;
	struct stat st;

	if (lstat(place->path, &st) != 0)
		return JP_ERR_OK;
	if (strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ",
	        gmtime_r(&now, &utc)) == 0)
		return jp_why(why, JP_ERR_IO, "the clock is wrong");
	for (int i = 2; i <= OLD_TRIES; i++) {
		int len = snprintf(place->old, sizeof(place->old),
		    "%s" JP_PEPPER_BEFORE "%s%s", place->path, when, more);

		if (len < 0 || (size_t)len >= sizeof(place->old))
			return jp_why(why, JP_ERR_TOO_LONG,
			    "%s: the path is too long", place->path);
		if (lstat(place->old, &st) != 0)
			return JP_ERR_OK;
		(void)snprintf(more, sizeof(more), "-%d", i);
	}
	return jp_why(
	    why, JP_ERR_EXISTS, "%s is in the way: remove it", place->old);
}

void
place_name(struct place *place, const char *path, const char *suffix)
{
	place->path = path;
	(void)snprintf(place->new, sizeof(place->new), "%s%s", path, suffix);
}

enum jp_err
place_set(struct place *place, const char *path, const char *suffix,
    struct jp_why *why)
{
	struct stat st;
	enum jp_err err = make_parents(path, why);

	place_name(place, path, suffix);
	if (err == JP_ERR_OK)
		err = name_old(place, why);
	if (err != JP_ERR_OK)
		return err;
	if (lstat(place->new, &st) == 0)
		return jp_why(why, JP_ERR_EXISTS,
		    "%s is in the way, perhaps of a command that was "
		    "interrupted: remove it",
		    place->new);
	return JP_ERR_OK;
}

enum jp_err
place_from(
    struct place *place, const char *path, const char *from, struct jp_why *why)
{
	memset(place, 0, sizeof(*place));
	place->path = path;
	(void)snprintf(place->new, sizeof(place->new), "%s", from);
	return name_old(place, why);
}

/*
 * In one step, so that at no time nothing is there: the new one, under the name
 * that the old one shall have, changes places with it. False: it cannot be done
 * on this file system, or not at all.
 */
static bool
exchange_at_once(const struct place *place)
{
	if (rename(place->new, place->old) != 0)
		return false;
	if (renameat2(AT_FDCWD, place->old, AT_FDCWD, place->path,
	        RENAME_EXCHANGE) == 0)
		return true;
	(void)rename(place->old, place->new);
	return false;
}

static enum jp_err
rename_why(const char *from, const char *to, struct jp_why *why)
{
	return rename(from, to) == 0 ? JP_ERR_OK
	                             : path_why(why, "rename", from);
}

/* What was there goes aside; if the new cannot come it comes back. */
static enum jp_err
exchange(const struct place *place, struct jp_why *why)
{
	const bool replaces = place->old[0] != '\0';
	enum jp_err err = JP_ERR_OK;

	if (replaces && exchange_at_once(place))
		return JP_ERR_OK;
	if (replaces)
		err = rename_why(place->path, place->old, why);
	if (err != JP_ERR_OK)
		return err;
	err = rename_why(place->new, place->path, why);
	if (err != JP_ERR_OK && replaces)
		(void)rename(place->old, place->path);
	return err;
}

enum jp_err
place_put(struct place *place, struct jp_why *why)
{
	enum jp_err err = act_at(place->path, why);

	if (err == JP_ERR_OK)
		err = exchange(place, why);
	place->put = err == JP_ERR_OK;
	if (place->put)
		err = sync_parent(place->path, why);
	act_as_self();
	return err;
}

static bool
exchange_back(const struct place *place)
{
	if (place->old[0] != '\0' && renameat2(AT_FDCWD, place->old, AT_FDCWD,
	                                 place->path, RENAME_EXCHANGE) == 0) {
		(void)rename(place->old, place->new);
		return true;
	}
	return rename(place->path, place->new) == 0 &&
	       (place->old[0] == '\0' || rename(place->old, place->path) == 0);
}

bool
place_take_back(struct place *place)
{
	struct jp_why ignored;

	if (!place->put)
		return true;
	place->put =
	    act_at(place->path, &ignored) != JP_ERR_OK || !exchange_back(place);
	if (!place->put)
		(void)sync_parent(place->path, &ignored);
	act_as_self();
	return !place->put;
}
