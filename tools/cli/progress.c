#include "tools/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/wire/client.h"

enum {
	PAUSE_MS = 200,
};

void
progress_start(struct progress *progress, const char *what, const char *unit)
{
	*progress = (struct progress){
		.what = what,
		.unit = unit,
		.silent = !isatty(STDERR_FILENO),
		.start_ms = jp_now_ms(),
	};
	progress->last_ms = progress->start_ms;
}

void
progress_show(struct progress *progress, uint64_t done, uint64_t all)
{
	int64_t now = jp_now_ms();
	uint64_t rate;

	if (progress->silent || now - progress->last_ms < PAUSE_MS)
		return;
	progress->last_ms = now;
	progress->shown = true;
	rate = done * 1000 / (uint64_t)(now - progress->start_ms);
	(void)fprintf(stderr, "\r\033[K%s: ", progress->what);
	if (all > 0 && done <= all)
		(void)fprintf(stderr, "%" PRIu64 " %% ", 100 * done / all);
	(void)fprintf(stderr, "(%" PRIu64 " %s), %" PRIu64 " %s/s", done,
	    progress->unit, rate, progress->unit);
	if (all > done && rate > 0)
		(void)fprintf(
		    stderr, ", %" PRIu64 " s left", (all - done) / rate);
}

void
progress_end(struct progress *progress)
{
	if (progress->shown)
		(void)fputs("\r\033[K", stderr);
}
