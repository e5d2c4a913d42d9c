#include "tests/traces.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
trace_put(const struct trace *trace, char *to)
{
	for (size_t i = 0; i < trace->len; i++)
		to[i] = trace->backwards[trace->len - 1 - i];
}

static int
count_in(const struct trace *trace, const char *from, const char *to)
{
	int count = 0;

	for (const char *at = from; at + trace->len <= to; at++) {
		size_t n = 0;

		while (n < trace->len &&
		       at[n] == trace->backwards[trace->len - 1 - n])
			n++;
		count += n == trace->len;
	}
	return count;
}

int
trace_count(const struct trace *trace)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], *end;
	int count = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from = strtoul(line, &end, 16);
		uintptr_t to = strtoul(end + 1, &end, 16);

		if (strncmp(end, " rw", 3) == 0)
			count += count_in(
			    trace, (const char *)from, (const char *)to);
	}
	if (maps != NULL)
		(void)fclose(maps);
	return maps != NULL ? count : -1;
}

struct act {
	int (*act)(void *arg);
	void *arg;
	int rc;
};

static void *
begin(void *arg)
{
	struct act *act = arg;

	act->rc = act->act(act->arg);
	return NULL;
}

int
trace_act(int (*act)(void *arg), void *arg)
{
	static char __attribute__((aligned(4096))) stack[1 << 20];
	struct act run = { act, arg, -1 };
	pthread_attr_t attr;
	pthread_t thread;

	explicit_bzero(stack, sizeof(stack));
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstack(&attr, stack, sizeof(stack));
	if (pthread_create(&thread, &attr, begin, &run) == 0)
		(void)pthread_join(thread, NULL);
	(void)pthread_attr_destroy(&attr);
	return run.rc;
}
