/*
 * pat-admin check: the configuration of other servers, read by one after
 * another.
 */
#include "tools/doctor/servers.h"

#include "tools/doctor/doctor.h"
#include "tools/doctor/pam_services.h"
#include "tools/doctor/traps.h"

static const struct {
	const char *subject;
	void (*read)(struct config_scan *scan);
} servers[] = {
#define SERVER_ROW(name, subject) { subject, doctor_read_##name },
	SERVER_LIST(SERVER_ROW)
#undef SERVER_ROW
};

void
doctor_servers(struct doctor *doctor)
{
	struct trap_places reported = { .len = 0 };
	struct pam_services services = { .len = 0 };
	struct config_scan scan = {
		.doctor = doctor,
		.root = doctor->root,
		.reported = &reported,
		.services = &services,
	};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		scan.door = servers[i].subject;
		scan.files = scan.found = scan.reads = 0;
		servers[i].read(&scan);
		if (scan.found == 0 && scan.files > 0)
			report_finding(doctor, LEVEL_OK, scan.door,
			    "%zu files, no known trap", scan.files);
	}
}
