#include "common/decide/write.h"

#include <poll.h>
#include <sodium.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/sys/log.h"

/* Of the pause before another round, which is a random part of it. */
enum {
	PAUSE_FIRST_MS = 4,
	PAUSE_MAX_MS = 256,
};

/* So that two hosts do not meet again and again. */
static void
pause_before(int round)
{
	unsigned int most = PAUSE_FIRST_MS;

	for (int i = 1; i < round && most < PAUSE_MAX_MS; i++)
		most *= 2;
	(void)poll(NULL, 0, (int)randombytes_uniform(most));
}

/* One step, and until when it may wait. */
struct step {
	struct jp_core *core;
	enum jp_begin how;
	int64_t by_ms;
	enum jp_err (*act)(struct jp_core *core, void *arg);
	void *arg;
};

static enum jp_err
say_crowded(struct jp_why *why)
{
	return why == NULL ? JP_ERR_UNREACHABLE
	                   : jp_why(why, JP_ERR_UNREACHABLE,
	                         "nothing was changed: other changes wait for "
	                         "the database of the cluster");
}

static enum jp_err
write_once(const struct step *step, struct jp_why *why)
{
	struct jp_core *core = step->core;
	enum jp_err err;

	if (!jp_writers_enter(&core->writers, step->by_ms))
		return say_crowded(why);
	jp_store_begin_by(core->store, step->how, step->by_ms);
	err = step->act(core, step->arg);
	jp_writers_leave(&core->writers);
	return err;
}

/* Whoever says nothing else waits a lease, and on a single host for ever. */
static int64_t
until(struct jp_core *core, int64_t by_ms)
{
	int64_t patience_ms = jp_store_patience(core->store), most_ms;

	if (patience_ms == INT64_MAX)
		return INT64_MAX;
	most_ms = jp_now_ms() + patience_ms;
	return by_ms < most_ms ? by_ms : most_ms;
}

enum jp_err
jp_write_by(struct jp_core *core, enum jp_begin how, int64_t by_ms,
    struct jp_why *why, enum jp_err (*act)(struct jp_core *core, void *arg),
    void *arg)
{
	const struct step step = { core, how, until(core, by_ms), act, arg };
	enum jp_err err = write_once(&step, why);

	for (int round = 1;
	     err == JP_ERR_CONFLICT && round < JP_WRITE_ROUNDS &&
	     (step.by_ms == INT64_MAX || !jp_has_come(step.by_ms));
	     round++) {
		pause_before(round);
		err = write_once(&step, why);
	}
	if (err != JP_ERR_CONFLICT)
		return err;
	return why == NULL ? JP_ERR_LOCKED
	                   : jp_why(why, JP_ERR_LOCKED,
	                         "other hosts keep changing the store: try "
	                         "again");
}

enum jp_err
jp_write(struct jp_core *core, enum jp_begin how, struct jp_why *why,
    enum jp_err (*act)(struct jp_core *core, void *arg), void *arg)
{
	return jp_write_by(core, how, INT64_MAX, why, act, arg);
}

enum jp_err
jp_write_settle_by(struct jp_core *core, int64_t by_ms, struct jp_why *why)
{
	struct jp_why unread;
	enum jp_err err;

	if (why == NULL)
		why = &unread;
	err = jp_store_settle_by(core->store, by_ms, why);
	if (err != JP_ERR_OK)
		jp_log(LOG_WARNING, "a change may not hold everywhere yet: %s",
		    why->text);
	return err;
}

enum jp_err
jp_write_settle(struct jp_core *core, struct jp_why *why)
{
	return jp_write_settle_by(core, INT64_MAX, why);
}
