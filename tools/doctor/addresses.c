#include "tools/doctor/addresses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/httpd_settings.h"

/* What is behind the scheme. */
static const char *
host_of(const char *address)
{
	const char *scheme = strstr(address, "://");

	return scheme != NULL ? scheme + 3 : address;
}

bool
address_remote(const char *address, bool name)
{
	static const char *const local[] = { "unix", "127.", "localhost",
		"[::1]", "/", "@", "*", "$" };
	const char *host = host_of(address);
	size_t len = strcspn(host, "/ \t");

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (strncmp(host, local[i], strlen(local[i])) == 0)
			return false;
	return len > 0 && (name || strcspn(host, ".:[") < len);
}

unsigned int
address_port(const char *address)
{
	const char *host = host_of(address), *colon;

	if (*host == '[')
		host += strcspn(host, "]");
	colon = host + strcspn(host, ":/");
	return *colon == ':' ? (unsigned int)strtoul(colon + 1, NULL, 10) : 0;
}

void
address_hide(char *address)
{
	static const char hidden[] = "***";
	size_t start = (size_t)(host_of(address) - address);
	size_t len = strcspn(address + start, "/ \t");
	const char *at = memrchr(address + start, '@', len);
	size_t room = at != NULL ? (size_t)(at - (address + start)) : 0;

	if (room < sizeof(hidden) - 1)
		return; /* nobody's, or no secret */
	memcpy(address + start, hidden, sizeof(hidden) - 1);
	memmove(address + start + sizeof(hidden) - 1, at, strlen(at) + 1);
}

struct port {
	unsigned int number;
	bool held;
};

/* ListenStream=PORT, ADDRESS:PORT. */
static void
read_unit(void *arg, const struct config_text *text)
{
	static const char key[] = "ListenStream=";
	struct config_lines lines = { text->text, CONFIG_JOIN, 0, 0 };
	struct port *port = arg;
	char *line;

	while ((line = config_line(&lines)) != NULL) {
		const char *value = line + sizeof(key) - 1, *colon;

		if (strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		colon = strrchr(value, ':');
		if (colon != NULL)
			value = colon + 1;
		port->held |= strtoul(value, NULL, 10) == port->number;
	}
}

bool
address_port_free(struct config_scan *scan, unsigned int number)
{
	static const char *const patterns[] = { "/etc/systemd/system/*.socket",
		"/run/systemd/system/*.socket",
		"/usr/lib/systemd/system/*.socket",
		"/lib/systemd/system/*.socket" };
	struct port port = { number, number < JP_FCGI_PORT_SAFE };
	size_t files = scan->files;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		config_each(scan, patterns[i], read_unit, &port);
	scan->files = files; /* these are nobody's */
	return !port.held;
}
