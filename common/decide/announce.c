#include "common/decide/announce.h"

#include <stdlib.h>
#include <string.h>

#include "common/decide/write.h"

enum {
	ROUNDS_MAX = 8, /* of an act that finds something else each time */
};

static bool
same_constant(const char *one, const char *other)
{
	return one == other ||
	       (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* But for the time, which is that of the line. */
static bool
same_line(const struct jp_audit_event *one, const struct jp_audit_event *other)
{
	return same_constant(one->event, other->event) &&
	       same_constant(one->reason, other->reason) &&
	       strcmp(one->id, other->id) == 0 &&
	       strcmp(one->user, other->user) == 0 &&
	       strcmp(one->actor, other->actor) == 0 &&
	       strcmp(one->detail, other->detail) == 0;
}

static bool
are_written(const struct jp_announce *announce,
    const struct jp_audit_event *lines, size_t len)
{
	bool same = announce->written && announce->len == len;

	for (size_t i = 0; same && i < len; i++)
		same = same_line(&announce->lines[i], &lines[i]);
	return same;
}

/* One more line for each that was written, and no change came of it. */
static void
take_back(struct jp_announce *announce, enum jp_err err)
{
	for (size_t i = 0; i < announce->len; i++)
		announce->lines[i].reason = jp_err_name(err);
	jp_audit_note(announce->core->audit, announce->lines, announce->len);
}

static void
forget(struct jp_announce *announce)
{
	free(announce->lines);
	announce->lines = NULL;
	announce->len = 0;
	announce->wanted = announce->written = false;
}

enum jp_err
jp_announce(struct jp_announce *announce, const struct jp_audit_event *lines,
    size_t len)
{
	struct jp_audit *audit = announce->core->audit;

	if (audit == NULL || len == 0 || are_written(announce, lines, len))
		return JP_ERR_OK;
	if (announce->written)
		take_back(announce, JP_ERR_LOCKED);
	forget(announce);
	announce->lines = calloc(len, sizeof(*lines));
	if (announce->lines == NULL)
		return jp_why(announce->why, JP_ERR_NOMEM, "%s",
		    jp_err_text(JP_ERR_NOMEM));
	memcpy(announce->lines, lines, len * sizeof(*lines));
	announce->len = len;
	announce->wanted = jp_audit_required(audit);
	return announce->wanted ? JP_ERR_LOCKED : JP_ERR_OK;
}

void
jp_announce_done(struct jp_announce *announce)
{
	announce->done = true;
}

/* Between two rounds: the lines that the next one needs. */
static enum jp_err
write_wanted(struct jp_announce *announce)
{
	enum jp_err err = jp_audit_acts(announce->core->audit, announce->lines,
	    announce->len, announce->why);

	if (err != JP_ERR_OK)
		(void)jp_why_is(announce->why, err, JP_REFUSAL_AUDIT);
	announce->wanted = false;
	announce->written = true; /* or it may be, yet: it is taken back */
	return err;
}

/* What the trail has to know at the end. */
static void
finish(struct jp_announce *announce, enum jp_err err)
{
	struct jp_why ignored;

	if (announce->written && !announce->done)
		take_back(announce, err != JP_ERR_OK ? err : JP_ERR_LOCKED);
	else if (!announce->written && err != JP_ERR_OK)
		take_back(announce, err);
	else if (!announce->written && announce->done)
		(void)jp_audit_acts(announce->core->audit, announce->lines,
		    announce->len, &ignored);
	forget(announce);
}

struct run {
	struct jp_announce announce;
	int64_t by_ms;
	enum jp_err (*act)(struct jp_announce *announce, void *arg);
	void *arg;
};

static enum jp_err
act_once(struct jp_core *core, void *arg)
{
	struct run *run = arg;

	(void)core;
	return run->act(&run->announce, run->arg);
}

static enum jp_err
run_rounds(struct run *run)
{
	struct jp_announce *announce = &run->announce;
	struct jp_why *why = announce->why;
	enum jp_err err;
	int rounds = 0;

	do {
		err = jp_write_by(announce->core, JP_BEGIN_LOUD, run->by_ms,
		    why, act_once, run);
		if (!announce->wanted)
			break;
		err = rounds < ROUNDS_MAX
		          ? write_wanted(announce)
		          : jp_why(why, JP_ERR_LOCKED,
		                "others keep changing the same records");
	} while (err == JP_ERR_OK && rounds++ < ROUNDS_MAX);
	return err;
}

/*
 * The trail first: should the process end while it waits for other hosts, the
 * change is made all the same.
 */
enum jp_err
jp_announce_run_by(struct jp_core *core, int64_t by_ms, struct jp_why *why,
    enum jp_err (*act)(struct jp_announce *announce, void *arg), void *arg)
{
	struct run run = { { .core = core, .why = why }, by_ms, act, arg };
	enum jp_err err = run_rounds(&run);

	finish(&run.announce, err);
	return err == JP_ERR_OK ? jp_write_settle_by(core, by_ms, why) : err;
}

enum jp_err
jp_announce_run(struct jp_core *core, struct jp_why *why,
    enum jp_err (*act)(struct jp_announce *announce, void *arg), void *arg)
{
	return jp_announce_run_by(core, INT64_MAX, why, act, arg);
}
