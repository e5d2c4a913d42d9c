#include "common/config/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	KIB = 1024,
	MIB = 1024 * 1024,
	BASE = 48 * MIB,      /* code, libraries, queues, what a start takes */
	THREAD = MIB,         /* stack and buffers of a worker */
	MEMO_ENTRY = 208,     /* at most: a place, and one in its file */
	KEPT = KIB,           /* copies of its record and its user's, */
	SHOWN = KIB,          /* and of what the server behind is shown */
	CONNECTION = 4 * KIB, /* with its question on the way */
	CLUSTER = 16 * MIB,   /* batches on their way; most are small */
	PATH_LEN = 4096,
};

/* ---- the machine ---- */

static void
lower(struct jp_machine *machine, uint64_t memory, const char *source)
{
	if (memory >= machine->memory)
		return;
	machine->memory = memory;
	machine->source = source;
}

/* The number in a file; UINT64_MAX for "max", or if there is none. */
static uint64_t
number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t number = UINT64_MAX;

	if (file == NULL)
		return number;
	if (fscanf(file, "%" SCNu64, &number) != 1)
		number = UINT64_MAX;
	(void)fclose(file);
	return number;
}

/* The limits of a group and of those above it, up to `top`. */
static void
look_up(struct jp_machine *machine, const char *top, const char *group,
    const char *name)
{
	char path[PATH_LEN], file[PATH_LEN + 64];
	size_t top_len = strlen(top);
	char *slash;

	(void)snprintf(path, sizeof(path), "%s%s", top,
	    strcmp(group, "/") != 0 ? group : "");
	for (;;) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, name);
		lower(machine, number_in(file), name);
		slash = strrchr(path, '/');
		if (slash == NULL || (size_t)(slash - path) < top_len)
			break;
		*slash = '\0';
	}
}

/* "0::/path" of version 2, "4:memory:/path" of version 1. */
static void
look_at_group(struct jp_machine *machine, const char *root, char *line)
{
	char top[PATH_LEN];
	char *controllers = strchr(line, ':'), *group;

	if (controllers == NULL)
		return;
	*controllers++ = '\0';
	group = strchr(controllers, ':');
	if (group == NULL)
		return;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	(void)snprintf(top, sizeof(top), "%s/sys/fs/cgroup%s", root,
	    controllers[0] != '\0' ? "/memory" : "");
	if (controllers[0] == '\0')
		look_up(machine, top, group, "memory.max");
	else if (strcmp(controllers, "memory") == 0)
		look_up(machine, top, group, "memory.limit_in_bytes");
}

static void
look_at_groups(struct jp_machine *machine, const char *root, pid_t pid)
{
	char path[PATH_LEN], *line = NULL;
	size_t size = 0;
	FILE *file;

	(void)snprintf(
	    path, sizeof(path), "%s/proc/%ld/cgroup", root, (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (getline(&line, &size, file) > 0)
		look_at_group(machine, root, line);
	free(line);
	(void)fclose(file);
}

static void
look_at_limit(
    struct jp_machine *machine, __rlimit_resource_t resource, const char *name)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		lower(machine, limit.rlim_cur, name);
}

void
jp_machine_look(struct jp_machine *machine, const char *root, pid_t pid)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	*machine = (struct jp_machine){
		.processors = processors > 0 ? (uint32_t)processors : 1,
		.memory = UINT64_MAX,
		.source = "no limit",
	};
	if (pages > 0 && page > 0)
		lower(machine, (uint64_t)pages * (uint64_t)page,
		    "the memory of the machine");
	if (pid == getpid()) {
		look_at_limit(machine, RLIMIT_AS, "RLIMIT_AS");
		look_at_limit(machine, RLIMIT_DATA, "RLIMIT_DATA");
	}
	look_at_groups(machine, root, pid);
}

/* ---- the budget ---- */

void
jp_budget_make(struct jp_budget *budget, const struct jp_settings *settings,
    const struct jp_machine *machine)
{
	uint64_t entry = MEMO_ENTRY + KEPT, fit;

	memset(budget, 0, sizeof(*budget));
	budget->machine = *machine;
	budget->wanted =
	    settings->workers != 0 ? settings->workers : machine->processors;
	if (budget->wanted > JP_WORKERS_MAX)
		budget->wanted = JP_WORKERS_MAX;
	/* Berkeley DB takes a quarter more than a small cache is set to. */
	if (jp_policy_shows_upstream(&settings->policy))
		entry += SHOWN;
	budget->fixed = BASE + settings->cache_kib * UINT64_C(1280) +
	                settings->cache_entries * entry +
	                settings->max_connections * UINT64_C(1) * CONNECTION +
	                (settings->cluster.configured ? CLUSTER : 0);
	budget->hash =
	    settings->policy.cost.memory * UINT64_C(1) * KIB + THREAD;
	budget->hashes = UINT64_MAX;
	if (machine->memory != UINT64_MAX)
		budget->hashes = machine->memory > budget->fixed
		                     ? machine->memory - budget->fixed
		                     : 0;
	fit = budget->hashes / budget->hash;
	budget->fits = fit > 0;
	budget->workers = fit < budget->wanted ? (uint32_t)fit : budget->wanted;
	if (budget->workers == 0)
		budget->workers = 1;
}

void
jp_budget_say(const struct jp_budget *budget, struct jp_why *line)
{
	uint64_t limit = budget->machine.memory / MIB;
	char instead[32] = "";

	if (budget->workers < budget->wanted)
		(void)snprintf(
		    instead, sizeof(instead), " instead of %u", budget->wanted);
	if (!budget->fits)
		(void)jp_why(line, JP_ERR_OK,
		    "%" PRIu64 " MiB (%s) are too few for one Argon2id: it "
		    "takes %" PRIu64 " MiB beside %" PRIu64
		    " MiB for all else: raise the limit, or lower [argon2] "
		    "memory or [patd] cache",
		    limit, budget->machine.source, budget->hash / MIB,
		    budget->fixed / MIB);
	else
		(void)jp_why(line, JP_ERR_OK,
		    "%u workers%s, of %" PRIu64 " MiB each, and %" PRIu64
		    " MiB for all else fit into %" PRIu64 " MiB (%s)",
		    budget->workers, instead, budget->hash / MIB,
		    budget->fixed / MIB, limit, budget->machine.source);
}
