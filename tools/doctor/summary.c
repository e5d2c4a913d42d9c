/*
 * pat-admin check: its last lines, which sum up what the others have found.
 */
#include "tools/doctor/doctor.h"

void
doctor_hidden(struct doctor *doctor)
{
	if (doctor->hidden > 0)
		report_finding(doctor, doctor->hidden_level, "user",
		    "%zu things can be checked only by root: run it as root",
		    doctor->hidden);
}

/*
 * The last word. A tree below --root has no patd of its own, so that one that
 * does not run is no fault of it.
 */
void
doctor_doors(struct doctor *doctor)
{
	bool down = !doctor->patd && !doctor->patd_hidden;

	if (doctor->opened[0] == '\0')
		report_finding(doctor, LEVEL_WARN, "doors",
		    "tokens open no door: no front door accepts them; "
		    "JIRA.md and FRONT-DOORS.md of the documentation say how");
	else if (down)
		report_finding(doctor,
		    doctor->root[0] == '\0' ? LEVEL_BAD : LEVEL_WARN, "doors",
		    "tokens would open %s, but patd is not running: start it",
		    doctor->opened);
	else
		report_finding(doctor, LEVEL_OK, "doors", "tokens open %s",
		    doctor->opened);
}
