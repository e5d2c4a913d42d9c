#include "common/decide/write.h"

#include <poll.h>
#include <sodium.h>
#include <syslog.h>

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

static enum jp_err
write_once(struct jp_core *core, enum jp_begin how,
    enum jp_err (*act)(struct jp_core *core, void *arg), void *arg)
{
	enum jp_err err;

	pthread_mutex_lock(&core->write_lock);
	jp_store_begin(core->store, how);
	err = act(core, arg);
	pthread_mutex_unlock(&core->write_lock);
	return err;
}

enum jp_err
jp_write(struct jp_core *core, enum jp_begin how, struct jp_why *why,
    enum jp_err (*act)(struct jp_core *core, void *arg), void *arg)
{
	enum jp_err err = write_once(core, how, act, arg);

	for (int round = 1; err == JP_ERR_CONFLICT && round < JP_WRITE_ROUNDS;
	     round++) {
		pause_before(round);
		err = write_once(core, how, act, arg);
	}
	if (err != JP_ERR_CONFLICT)
		return err;
	return why == NULL ? JP_ERR_LOCKED
	                   : jp_why(why, JP_ERR_LOCKED,
	                         "other hosts keep changing the store: try "
	                         "again");
}

enum jp_err
jp_write_settle(struct jp_core *core, struct jp_why *why)
{
	struct jp_why unread;
	enum jp_err err;

	if (why == NULL)
		why = &unread;
	err = jp_store_settle(core->store, why);
	if (err != JP_ERR_OK)
		jp_log(LOG_WARNING, "a change may not hold everywhere yet: %s",
		    why->text);
	return err;
}
