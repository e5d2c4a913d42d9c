/* The module that libpam loads for fuzz_pam: it hands everything on. */
#include "tests/fuzz/pam_bridge.h"

#include <stddef.h>

#define ENTRY(name)                                                            \
	__attribute__((visibility("default"))) int pam_sm_##name(              \
	    pam_handle_t *pamh, int flags, int argc, const char **argv)        \
	{                                                                      \
		const struct pam_bridge *bridge = find(pamh);                  \
                                                                               \
		return bridge != NULL ? bridge->name(pamh, flags, argc, argv)  \
		                      : PAM_SYSTEM_ERR;                        \
	}

static const struct pam_bridge *
find(const pam_handle_t *pamh)
{
	const void *conv = NULL;

	if (pam_get_item(pamh, PAM_CONV, &conv) != PAM_SUCCESS || conv == NULL)
		return NULL;
	return ((const struct pam_conv *)conv)->appdata_ptr;
}

ENTRY(authenticate)
ENTRY(setcred)
ENTRY(acct_mgmt)
