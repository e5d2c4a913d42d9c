/*
 * pat-admin check: whether the workers of patd fit into the memory that it may
 * take, as patd itself counts it at its start.
 */
#include "tools/doctor/doctor.h"

#include "common/config/budget.h"
#include "common/store/bdb.h"

/* The control group is that of the patd that runs; if none does, there is none.
 */
void
doctor_memory(struct doctor *doctor)
{
	struct jp_machine machine;
	struct jp_budget budget;
	struct jp_why line;
	char name[64];
	pid_t pid = 0;

	if (!doctor->patd || !jp_store_bdb_holder(doctor->settings->store_dir,
	                         name, sizeof(name), &pid))
		pid = 0;
	jp_machine_look(&machine, "", pid);
	jp_budget_make(&budget, doctor->settings, &machine);
	jp_budget_say(&budget, &line);
	if (!budget.fits)
		report_finding(doctor, LEVEL_BAD, "memory", "%s", line.text);
	else if (budget.workers < budget.wanted)
		report_finding(doctor, LEVEL_WARN, "memory",
		    "%s: raise the limit (MemoryMax of the unit), or set "
		    "[patd] workers",
		    line.text);
	else
		report_finding(doctor, LEVEL_OK, "memory", "%s", line.text);
}
