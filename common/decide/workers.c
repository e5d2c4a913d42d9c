#include "common/decide/workers.h"

enum jp_err
jp_workers_run(
    struct jp_workers *workers, jp_task task, void *arg, size_t count)
{
	if (workers != NULL)
		return workers->run(workers, task, arg, count);
	for (size_t i = 0; i < count; i++)
		task(arg, i);
	return JP_ERR_OK;
}
