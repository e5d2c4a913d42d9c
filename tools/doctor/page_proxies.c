#include "tools/doctor/page_proxies.h"

#include <string.h>

bool
page_is_at(const struct config_scan *scan, const char *address)
{
	const struct jp_settings *settings = scan->doctor->settings;
	const char *path = strstr(address, "unix:");
	char own[JP_LISTEN_TEXT_MAX];

	if (path == NULL || settings->self.trusted_peers.len == 0)
		return false;
	path += strlen("unix:");
	for (size_t i = 0; i < settings->httpd.listener_len; i++) {
		const struct jp_listener *one = &settings->httpd.listeners[i];
		size_t len;

		jp_listener_format(one, settings->run_dir, own);
		len = strlen(own);
		if (one->protocol == JP_LISTENER_HTTP && own[0] == '/' &&
		    strncmp(path, own, len) == 0 &&
		    strchr("|:", path[len]) != NULL)
			return true;
	}
	return false;
}
