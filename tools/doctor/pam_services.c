#include "tools/doctor/pam_services.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/doctor/traps.h"

enum {
	SHOWN_MAX = 128, /* bytes of a door's name */
};

/* As libpam does: what follows the last slash, in lower case. */
static void
fold_service(const char *service, char name[JP_PATH_MAX])
{
	const char *slash = strrchr(service, '/');
	size_t len = 0;

	service = slash != NULL ? slash + 1 : service;
	for (; len < JP_PATH_MAX - 1 && service[len] != '\0'; len++)
		name[len] = (char)tolower((unsigned char)service[len]);
	name[len] = '\0';
}

void
pam_service_add(struct config_scan *scan, const char *file,
    const struct pam_service *service)
{
	struct pam_services *services = scan->services;
	const char *name = strrchr(file, '/') + 1;
	struct pam_service *added = &services->at[services->len];

	if (services->len == PAM_SERVICES_MAX ||
	    strlen(name) >= sizeof(added->name))
		return;
	services->len++;
	*added = *service;
	(void)snprintf(added->name, sizeof(added->name), "%s", name);
	(void)snprintf(added->file, sizeof(added->file), "/etc/pam.d/%s", name);
}

const struct pam_service *
pam_service_find(const struct config_scan *scan, const char *service)
{
	char name[JP_PATH_MAX];

	fold_service(service, name);
	for (size_t i = 0; i < scan->services->len; i++)
		if (strcmp(scan->services->at[i].name, name) == 0)
			return &scan->services->at[i];
	return NULL;
}

void
pam_service_opened(struct config_scan *scan, const char *name)
{
	const struct pam_service *service = pam_service_find(scan, name);
	char shown[JP_SERVICE_MAX + SHOWN_MAX];

	if (service == NULL)
		return;
	(void)snprintf(
	    shown, sizeof(shown), "%s (%s)", scan->door, service->name);
	report_opened(scan->doctor, shown);
}

void
pam_service_named(struct config_scan *scan, const char *service,
    const char *file, unsigned int line)
{
	char name[JP_PATH_MAX], path[CONFIG_PATH_MAX];

	fold_service(service, name);
	(void)snprintf(path, sizeof(path), "/etc/pam.d/%s", name);
	if (config_type(scan, path) != S_IFREG)
		trap_report(scan, TRAP_PAM_MISSING, file, line, name);
	pam_service_opened(scan, name);
}
