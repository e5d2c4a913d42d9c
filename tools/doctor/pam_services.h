/*
 * The services of PAM that take tokens. The reader of /etc/pam.d adds them;
 * those of servers that ask PAM look them up.
 */
#ifndef DOCTOR_PAM_SERVICES_H
#define DOCTOR_PAM_SERVICES_H

#include "common/wire/verify.h"
#include "tools/doctor/config_files.h"

enum {
	PAM_SERVICES_MAX = 64,
};

/* A service file that takes tokens, itself or by what it includes. */
struct pam_service {
	char name[JP_SERVICE_MAX + 1];
	char file[JP_SERVICE_MAX + sizeof("/etc/pam.d/")];
	unsigned int line; /* of `auth`, or of the include */
	bool only_tokens;  /* account has tokens alone, without account=user */
	bool session;      /* it has a line for sessions */
};

struct pam_services {
	struct pam_service at[PAM_SERVICES_MAX];
	size_t len;
};

/*
 * Adds the service of `file`, with all of `service` but the name and the file;
 * what does not fit is left out.
 */
void pam_service_add(struct config_scan *scan, const char *file,
    const struct pam_service *service);

/* Finds `service` as libpam does, in lower case; NULL: it takes no tokens. */
const struct pam_service *
pam_service_find(const struct config_scan *scan, const char *service);

/* If `service` takes tokens: they open the door that is read now. */
void pam_service_opened(struct config_scan *scan, const char *service);

/*
 * The same for a service that a file names. It is reported if /etc/pam.d has no
 * file for it.
 */
void pam_service_named(struct config_scan *scan, const char *service,
    const char *file, unsigned int line);

#endif
