#include "common/wire/realm.h"

#include <stddef.h>
#include <string.h>

static const char *const realm_names[] = {
#define JP_REALM_ROW(code, name) name,
	JP_REALM_LIST(JP_REALM_ROW)
#undef JP_REALM_ROW
};

enum jp_err
jp_realm_parse(const char *text, enum jp_realm *realm)
{
	for (size_t i = 0; i < JP_REALM_COUNT; i++)
		if (strcmp(realm_names[i], text) == 0) {
			*realm = (enum jp_realm)i;
			return JP_ERR_OK;
		}
	return JP_ERR_INVALID;
}

enum jp_err
jp_realm_apply(enum jp_realm realm, char *name)
{
	char *at = strrchr(name, '@');

	if (realm == JP_REALM_STRIP && at != NULL)
		*at = '\0';
	if (realm == JP_REALM_REQUIRE && (at == NULL || at[1] == '\0'))
		return JP_ERR_INVALID;
	return name[0] != '\0' && at != name ? JP_ERR_OK : JP_ERR_INVALID;
}
