#include "config.h"

#include "tests/bench/turn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Times of one kind in one thread. */
struct times {
	uint32_t *ns; /* UINT32_MAX: that or longer */
	size_t len;
	size_t size;
};

struct worker {
	pthread_t thread;
	const struct turn *turn;
	struct run *run;
	void *state;
	struct times times[TURN_KINDS];
	int64_t results[TURN_KINDS][TURN_RESULTS];
	bool no_memory;
};

/* What the threads share. */
struct run {
	_Atomic int64_t next;
	bool warming; /* all are of kind 0 */
	int64_t count;
	int64_t deadline_ns; /* 0: none */
};

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* CPU of this process and of those it has waited for. */
static int64_t
cpu_ns(void)
{
	struct rusage children;

	(void)getrusage(RUSAGE_CHILDREN, &children);
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) +
	       (int64_t)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) *
	           1000000000 +
	       (int64_t)(children.ru_utime.tv_usec +
	                 children.ru_stime.tv_usec) *
	           1000;
}

static bool
add_time(struct times *times, int64_t ns)
{
	if (times->len == times->size) {
		size_t size = times->size > 0 ? times->size * 2 : 4096;
		uint32_t *more = reallocarray(times->ns, size, sizeof(*more));

		if (more == NULL)
			return false;
		times->ns = more;
		times->size = size;
	}
	times->ns[times->len++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
	return true;
}

static void *
work(void *arg)
{
	struct worker *worker = arg;
	const struct turn *turn = worker->turn;
	struct run *run = worker->run;
	int64_t number;

	while ((number = atomic_fetch_add(&run->next, 1)) < run->count) {
		int kind =
		    run->warming || turn->kind == NULL ? 0 : turn->kind(number);
		int64_t begin = clock_ns(CLOCK_MONOTONIC);
		enum turn_result result;

		if (run->deadline_ns != 0 && begin >= run->deadline_ns)
			break;
		result = turn->operate(worker->state, number, kind);
		worker->results[kind][result]++;
		if (!add_time(&worker->times[kind],
		        clock_ns(CLOCK_MONOTONIC) - begin)) {
			worker->no_memory = true;
			break;
		}
	}
	return NULL;
}

/* `count` operations in all threads. */
static bool
run_all(const struct turn *turn, struct worker *workers, int64_t count,
    int64_t seconds, bool warming)
{
	struct run run = { .count = count, .warming = warming };
	int started = 0;
	bool ok = true;

	if (seconds > 0)
		run.deadline_ns =
		    clock_ns(CLOCK_MONOTONIC) + seconds * 1000000000;
	for (; started < turn->threads; started++) {
		workers[started].run = &run;
		if (pthread_create(&workers[started].thread, NULL, work,
		        &workers[started]) != 0)
			break;
	}
	for (int i = 0; i < started; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		ok = ok && !workers[i].no_memory;
	}
	return ok && started == turn->threads;
}

static int
compare_times(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest time that `part` of 1,000 do not exceed. */
static uint32_t
quantile(const struct times *times, size_t part)
{
	size_t rank = (times->len * part + 999) / 1000;

	if (times->len == 0)
		return 0;
	return times->ns[rank > 0 ? rank - 1 : 0];
}

/* Adds what all threads have of one kind. */
static bool
gather(const struct turn *turn, const struct worker *workers, int kind,
    struct times *times, int64_t results[TURN_RESULTS])
{
	for (int i = 0; i < turn->threads; i++) {
		const struct times *more = &workers[i].times[kind];

		for (int j = 0; j < TURN_RESULTS; j++)
			results[j] += workers[i].results[kind][j];
		for (size_t j = 0; j < more->len; j++)
			if (!add_time(times, more->ns[j]))
				return false;
	}
	return true;
}

/* The kinds from `first` to `last`, as one. */
static bool
print_kinds(const struct turn *turn, const struct worker *workers, int first,
    int last, const char *name)
{
	struct times times = { 0 };
	int64_t results[TURN_RESULTS] = { 0 };
	bool ok = true;

	for (int i = first; i <= last; i++)
		ok = ok && gather(turn, workers, i, &times, results);
	if (times.len > 0)
		qsort(times.ns, times.len, sizeof(*times.ns), compare_times);
	printf("\"%s\": {\"count\": %zu, \"accepted\": %jd, "
	       "\"denied\": %jd, \"failed\": %jd, \"p50_ns\": %u, "
	       "\"p99_ns\": %u, \"p999_ns\": %u}",
	    name, times.len, (intmax_t)results[TURN_ACCEPTED],
	    (intmax_t)results[TURN_DENIED], (intmax_t)results[TURN_FAILED],
	    quantile(&times, 500), quantile(&times, 990),
	    quantile(&times, 999));
	free(times.ns);
	return ok;
}

static bool
print_all(const struct turn *turn, const struct worker *workers,
    int64_t wall_ns, int64_t used_ns)
{
	bool ok = true;
	int kind = 0;

	printf("{\"wall_ns\": %jd, \"cpu_ns\": %jd, \"kinds\": {",
	    (intmax_t)wall_ns, (intmax_t)used_ns);
	for (; kind < TURN_KINDS && turn->kinds[kind] != NULL; kind++) {
		ok =
		    print_kinds(turn, workers, kind, kind, turn->kinds[kind]) &&
		    ok;
		printf(", ");
	}
	ok = print_kinds(turn, workers, 0, kind - 1, "all") && ok;
	printf("}}\n");
	return ok;
}

/* Warms up, and forgets what was measured meanwhile. */
static bool
warm_up(const struct turn *turn, struct worker *workers)
{
	bool ok = run_all(turn, workers, turn->warm, 0, true);

	for (int i = 0; i < turn->threads; i++) {
		for (int j = 0; j < TURN_KINDS; j++)
			workers[i].times[j].len = 0;
		memset(workers[i].results, 0, sizeof(workers[i].results));
	}
	return ok;
}

static bool
measure(const struct turn *turn, struct worker *workers)
{
	int64_t wall;
	int64_t cpu;

	if (!warm_up(turn, workers))
		return false;
	printf("ready\n");
	(void)fflush(stdout);
	free(turn_line());
	wall = clock_ns(CLOCK_MONOTONIC);
	cpu = cpu_ns();
	if (!run_all(turn, workers, turn->count, turn->seconds, false))
		return false;
	cpu = cpu_ns() - cpu;
	wall = clock_ns(CLOCK_MONOTONIC) - wall;
	return print_all(turn, workers, wall, cpu);
}

int
turn_run(const struct turn *turn)
{
	static struct worker workers[TURN_THREADS];
	bool ok;

	for (int i = 0; i < turn->threads; i++) {
		workers[i].turn = turn;
		workers[i].state = turn->open != NULL ? turn->open() : NULL;
	}
	ok = measure(turn, workers);
	for (int i = 0; i < turn->threads; i++) {
		if (turn->close != NULL)
			turn->close(workers[i].state);
		for (int j = 0; j < TURN_KINDS; j++)
			free(workers[i].times[j].ns);
	}
	if (!ok)
		(void)fprintf(stderr, "no memory, or too few threads\n");
	return ok ? 0 : 1;
}

char *
turn_line(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len = getline(&line, &size, stdin);

	if (len > 0 && line[len - 1] == '\n')
		line[--len] = '\0';
	if (len > 0)
		return line;
	free(line);
	return NULL;
}

int64_t
turn_number(const char *text, int64_t max)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > max) {
		(void)fprintf(stderr, "not a number from 0 to %jd: %s\n",
		    (intmax_t)max, text);
		exit(2);
	}
	return value;
}
