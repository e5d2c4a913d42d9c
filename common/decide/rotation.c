#include "common/decide/rotation.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/audit/audit.h"
#include "common/base/grow.h"
#include "common/decide/announce.h"
#include "common/decide/clock_guard.h"
#include "common/decide/write.h"
#include "common/sys/log.h"

enum {
	FAMILY_PAGE = 16, /* records read at once */
};

/* The two records of a rotation; neither leaves this file. */
struct pair {
	const char *id; /* of the successor */
	struct jp_record successor, old;
};

/* Nobody's act, but a token ends by it. */
static enum jp_err
announce_end(struct jp_announce *announce, const struct pair *pair)
{
	struct jp_audit_event event = { .event = "end" };

	event.reason = "successor-used";
	memcpy(event.id, pair->old.id, sizeof(event.id));
	memcpy(event.user, pair->old.user, sizeof(event.user));
	(void)snprintf(
	    event.detail, sizeof(event.detail), "by %s", pair->successor.id);
	return jp_announce(announce, &event, 1);
}

/*
 * Ends the grace of the old one, if it has any: a clock that is ahead now, and
 * is set later, must not give it some of it back. So it ends where it began.
 */
static bool
end_grace(struct jp_record *old, int64_t now)
{
	int64_t end = old->superseded_at < now ? old->superseded_at : now;

	if (old->superseded_at == JP_NEVER || old->keep_until_grace ||
	    old->grace_until <= end)
		return false;
	old->grace_until = end;
	return true;
}

/* There is nothing left for it to end. */
static enum jp_err
close_pair(struct jp_core *core, struct pair *pair, bool ends)
{
	const struct jp_change changes[2] = {
		{ JP_CHANGE_END, &pair->successor },
		{ JP_CHANGE_END, &pair->old },
	};

	memset(pair->successor.ends, 0, sizeof(pair->successor.ends));
	return jp_store_commit(core->store, changes, ends ? 2 : 1);
}

/*
 * Both at once, or in a cluster only the end: other hosts accept the successor
 * as soon as they read that nothing is left.
 */
static enum jp_err
commit_pair(struct jp_core *core, struct pair *pair, bool ends)
{
	const struct jp_change end = { JP_CHANGE_END, &pair->old };

	if (core->cluster == NULL)
		return close_pair(core, pair, ends);
	return ends ? jp_store_commit(core->store, &end, 1) : JP_ERR_OK;
}

/* The old one may be gone, or have no grace: then it does not end. */
static enum jp_err
complete(struct jp_announce *announce, void *arg)
{
	struct pair *pair = arg;
	struct jp_core *core = announce->core;
	int64_t now = jp_clock_now(&core->clock);
	enum jp_err err = jp_store_get(core->store, pair->id, &pair->successor);
	bool ends = false, lives = false;

	if (err != JP_ERR_OK || pair->successor.ends[0] == '\0')
		return err;
	err = jp_store_get(core->store, pair->successor.ends, &pair->old);
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return err;
	if (err == JP_ERR_OK) {
		lives = !jp_record_superseded(&pair->old, now);
		ends = end_grace(&pair->old, now);
	}
	err = ends && lives ? announce_end(announce, pair) : JP_ERR_OK;
	if (err == JP_ERR_OK)
		err = commit_pair(core, pair, ends);
	if (err == JP_ERR_OK)
		jp_announce_done(announce);
	return err;
}

/* In a cluster, once every host has heard of the end. */
static enum jp_err
close_once(struct jp_core *core, void *arg)
{
	struct pair *pair = arg;
	enum jp_err err = jp_store_get(core->store, pair->id, &pair->successor);

	if (err != JP_ERR_OK || pair->successor.ends[0] == '\0')
		return err;
	return close_pair(core, pair, false);
}

enum jp_err
jp_rotation_complete(struct jp_core *core, const char *id, int64_t by_ms)
{
	struct pair pair = { .id = id };
	struct jp_why ignored;
	enum jp_err err =
	    jp_announce_run_by(core, by_ms, &ignored, complete, &pair);

	if (err == JP_ERR_OK && core->cluster != NULL)
		err = jp_write_by(
		    core, JP_BEGIN_QUIET, by_ms, NULL, close_once, &pair);
	sodium_memzero(&pair, sizeof(pair));
	/* A token that has just gone is for the next decision. */
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}

/* ---- reuse ---- */

/* The tokens of a family that are not revoked yet. */
struct family {
	char id[JP_TOKEN_ID_LEN + 1];
	size_t len, cap;
	struct jp_record *records;
};

static enum jp_err
gather(struct family *family, const struct jp_record *record)
{
	if (strcmp(record->family, family->id) != 0 ||
	    record->revoked_at != JP_NEVER)
		return JP_ERR_OK;
	if (JP_GROW(family->records, family->len, family->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	family->records[family->len++] = *record;
	return JP_ERR_OK;
}

static enum jp_err
gather_all(struct jp_core *core, const char *user, struct family *family)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	struct jp_record *page = calloc(FAMILY_PAGE, sizeof(*page));
	enum jp_err err = page != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	size_t count = 1;

	(void)jp_field_set(listing.user, sizeof(listing.user), user);
	while (err == JP_ERR_OK && count > 0) {
		err = jp_store_list(
		    core->store, &listing, page, FAMILY_PAGE, &count);
		for (size_t i = 0; i < count && err == JP_ERR_OK; i++)
			err = gather(family, &page[i]);
	}
	free(page);
	return err;
}

/* All at once: the trail is waited for once, if at all. */
static void
log_to_trail(struct jp_core *core, const struct family *family)
{
	struct jp_audit_event *events = calloc(family->len, sizeof(*events));
	struct jp_why ignored;

	for (size_t i = 0; events != NULL && i < family->len; i++) {
		const struct jp_record *record = &family->records[i];
		struct jp_audit_event *event = &events[i];

		event->event = "revoke";
		memcpy(event->id, record->id, sizeof(event->id));
		memcpy(event->user, record->user, sizeof(event->user));
		(void)jp_field_set(event->actor, sizeof(event->actor), "patd");
		(void)jp_field_set(event->detail, sizeof(event->detail),
		    "a rotated token of its family was reused");
	}
	if (events != NULL)
		(void)jp_audit_acts(core->audit, events, family->len, &ignored);
	free(events);
}

static void
log_reuse(struct jp_core *core, const char *id, const struct family *family)
{
	jp_log(LOG_WARNING,
	    "reuse: the rotated token %s was used after its end: its family "
	    "%s is revoked, %zu tokens",
	    id, family->id, family->len);
	log_to_trail(core, family);
}

static enum jp_err
revoke(struct jp_core *core, const char *id, struct family *family)
{
	struct jp_change *changes = calloc(family->len + 1, sizeof(*changes));
	int64_t now = jp_clock_now(&core->clock);
	enum jp_err err;

	if (changes == NULL)
		return JP_ERR_NOMEM;
	for (size_t i = 0; i < family->len; i++) {
		struct jp_record *record = &family->records[i];

		record->revoked_at = now;
		(void)jp_field_set(
		    record->revoked_by, sizeof(record->revoked_by), "patd");
		(void)snprintf(record->revoked_why, sizeof(record->revoked_why),
		    "reuse of the rotated token %s", id);
		changes[i].kind = JP_CHANGE_END;
		changes[i].record = record;
	}
	err = jp_store_commit(core->store, changes, family->len);
	free(changes);
	return err;
}

struct reuse {
	const char *id; /* the token that was used after its end */
	struct family family;
};

static enum jp_err
revoke_once(struct jp_core *core, void *arg)
{
	struct reuse *reuse = arg;
	struct family *family = &reuse->family;
	struct jp_record record;
	enum jp_err err = jp_store_get(core->store, reuse->id, &record);

	family->len = 0;
	if (err == JP_ERR_OK) {
		memcpy(family->id, record.family, sizeof(family->id));
		err = gather_all(core, record.user, family);
	}
	if (err == JP_ERR_OK)
		err = revoke(core, reuse->id, family);
	sodium_memzero(&record, sizeof(record));
	return err;
}

/*
 * Does not wait for other hosts: the answer is no in any case, and a thief must
 * not keep a worker busy for as long as one of them is cut off.
 */
enum jp_err
jp_rotation_revoke(struct jp_core *core, const char *id, int64_t by_ms)
{
	struct reuse reuse = { .id = id };
	struct jp_why why;
	/* By a wrong clock it may have been used in its grace. */
	enum jp_err err = jp_clock_guard_check(core, &why);

	if (err != JP_ERR_OK) {
		jp_log(LOG_ERR, "reuse: the family of %s is not revoked: %s",
		    id, why.text);
		return err;
	}
	err =
	    jp_write_by(core, JP_BEGIN_LOUD, by_ms, NULL, revoke_once, &reuse);
	if (err == JP_ERR_OK && reuse.family.len > 0)
		log_reuse(core, id, &reuse.family);
	else if (err != JP_ERR_OK)
		jp_log(LOG_ERR, "reuse: the family of %s is not revoked: %s",
		    id, jp_err_name(err));
	free(reuse.family.records);
	return err;
}
