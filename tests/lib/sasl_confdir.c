/*
 * Preloaded into a server under test, for paths that cannot be configured:
 *
 *     files of /etc/ldap/sasl2 are opened in the folder in JP_SASL_CONFDIR:
 *     Debian's slapd reads its configuration of SASL nowhere else;
 *     the socket in JP_SASL_MUX is asked instead of /var/run/saslauthd/mux:
 *     the modules of lighttpd and Apache know no other.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define EXPORTED __attribute__((visibility("default")))

static const char replaced[] = "/etc/ldap/sasl2/";
static const char fixed_mux[] = "/var/run/saslauthd/mux";

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

EXPORTED FILE *
fopen(const char *path, const char *mode)
{
	return open_instead("fopen", path, mode);
}

EXPORTED FILE *
fopen64(const char *path, const char *mode)
{
	return open_instead("fopen64", path, mode);
}

EXPORTED int
connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = NULL;
	void *found = dlsym(RTLD_NEXT, "connect");
	const char *mux = getenv("JP_SASL_MUX");
	struct sockaddr_un other;

	memcpy(&real, &found, sizeof(real));
	if (mux == NULL || addr->sa_family != AF_UNIX || len > sizeof(other) ||
	    strlen(mux) >= sizeof(other.sun_path))
		return real(fd, addr, len);
	memset(&other, 0, sizeof(other));
	memcpy(&other, addr, len);
	other.sun_path[sizeof(other.sun_path) - 1] = '\0';
	if (strcmp(other.sun_path, fixed_mux) != 0)
		return real(fd, addr, len);
	memcpy(other.sun_path, mux, strlen(mux) + 1);
	return real(fd, (const struct sockaddr *)&other, sizeof(other));
}
