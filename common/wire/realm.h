/*
 * How the realm in a SASL user name is treated: the part after the last "@".
 * Many services add one of their own, so an administrator says whether it
 * belongs to the user name of a token.
 */
#ifndef JP_REALM_H
#define JP_REALM_H

#include "common/base/err.h"

/* X(CODE, name) */
#define JP_REALM_LIST(X)                                                       \
	X(KEEP, "keep")       /* part of the name, if there is one */          \
	X(STRIP, "strip")     /* cut off, whatever it is */                    \
	X(REQUIRE, "require") /* part of the name; a name without it is bad */

enum jp_realm {
#define JP_REALM_ENUM(code, name) JP_REALM_##code,
	JP_REALM_LIST(JP_REALM_ENUM)
#undef JP_REALM_ENUM
	    JP_REALM_COUNT
};

/* JP_ERR_INVALID if `text` is not one of the names. */
enum jp_err jp_realm_parse(const char *text, enum jp_realm *realm);

/*
 * Turns `name`, in place, into the user name of a token. JP_ERR_INVALID if
 * none is left, or if a realm is required and there is none.
 */
enum jp_err jp_realm_apply(enum jp_realm realm, char *name);

#endif
