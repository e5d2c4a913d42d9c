/*
 * How libpam reaches a module that is part of the program: it loads
 * pam_bridge.so, which calls what the application's conversation points to.
 */
#ifndef JP_FUZZ_PAM_BRIDGE_H
#define JP_FUZZ_PAM_BRIDGE_H

#include <security/pam_modules.h>

typedef int
pam_bridge_entry(pam_handle_t *pamh, int flags, int argc, const char **argv);

/* Begins what `appdata_ptr` points to. */
struct pam_bridge {
	pam_bridge_entry *authenticate, *setcred, *acct_mgmt;
};

#endif
