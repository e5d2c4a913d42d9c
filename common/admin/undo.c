/* What was made and could not be handed over goes again. */
#include <syslog.h>

#include "common/admin/job.h"
#include "common/decide/write.h"
#include "common/sys/log.h"

struct undoing {
	struct job *job;
	enum jp_err (*act)(struct job *job, void *arg);
	void *arg;
};

static enum jp_err
undo_once(struct jp_core *core, void *arg)
{
	struct undoing *undoing = arg;

	(void)core;
	return undoing->act(undoing->job, undoing->arg);
}

void
jp_job_undo(
    struct job *job, enum jp_err (*act)(struct job *job, void *arg), void *arg)
{
	struct undoing undoing = { job, act, arg };
	enum jp_err err =
	    jp_write(job->core, JP_BEGIN_QUIET, NULL, undo_once, &undoing);

	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND) /* it is gone */
		jp_log(LOG_ERR,
		    "what %s made could not be handed over, and not be taken "
		    "back: %s",
		    job->actor, jp_err_text(err));
}
