/*
 * How many Argon2id fit into the memory that patd may take. A process that
 * takes more than its control group allows is killed, and comes back with
 * nothing in its memo; so the workers are as many as fit, not as many as there
 * are processors.
 */
#ifndef JP_BUDGET_H
#define JP_BUDGET_H

#include <sys/types.h>

#include "common/config/settings.h"

#define JP_WORKERS_MAX 256

/* What a process may use. */
struct jp_machine {
	uint32_t processors;
	uint64_t memory;    /* bytes; UINT64_MAX: as much as it likes */
	const char *source; /* who says so, a constant */
};

struct jp_budget {
	struct jp_machine machine;
	uint32_t wanted;  /* workers: what the settings say */
	uint32_t workers; /* those that fit, one at least */
	uint64_t fixed;   /* bytes for all but hashes */
	uint64_t hash; /* bytes of one hash of today's cost, with its thread */
	uint64_t hashes; /* bytes for hashes; UINT64_MAX: no limit */
	bool fits;       /* one hash does, at least */
};

/*
 * Looks at this machine: its processors and memory, the limits of this process,
 * setrlimit(2), and those of the control group of process `pid`, cgroups(7),
 * version 2 or 1, and of all groups above it. `root` "" is that of the system;
 * below another one lie the files of proc and sysfs that a test made.
 */
void jp_machine_look(struct jp_machine *machine, const char *root, pid_t pid);

/* What the settings need, held against the machine. */
void jp_budget_make(struct jp_budget *budget,
    const struct jp_settings *settings, const struct jp_machine *machine);

/* The same in one line for people. */
void jp_budget_say(const struct jp_budget *budget, struct jp_why *line);

#endif
