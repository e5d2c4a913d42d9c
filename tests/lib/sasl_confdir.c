/*
 * Preloaded into a server under test: files of /etc/ldap/sasl2 are opened in
 * the folder in JP_SASL_CONFDIR instead. Debian's slapd reads its configuration
 * of SASL there and nowhere else.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replaced[] = "/etc/ldap/sasl2/";

static FILE *
open_instead(const char *symbol, const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) = NULL;
	const char *dir = getenv("JP_SASL_CONFDIR");
	void *found = dlsym(RTLD_NEXT, symbol);
	char other[4096];

	memcpy(&real, &found, sizeof(real)); /* as dlsym(3) advises */
	if (dir != NULL && strncmp(path, replaced, sizeof(replaced) - 1) == 0) {
		(void)snprintf(other, sizeof(other), "%s/%s", dir,
		    path + sizeof(replaced) - 1);
		path = other;
	}
	return real(path, mode);
}

__attribute__((visibility("default"))) FILE *
fopen(const char *path, const char *mode)
{
	return open_instead("fopen", path, mode);
}

__attribute__((visibility("default"))) FILE *
fopen64(const char *path, const char *mode)
{
	return open_instead("fopen64", path, mode);
}
