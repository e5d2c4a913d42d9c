#include "common/config/httpd_settings.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char ipv4[] = "127.0.0.1:", ipv6[] = "[::1]:";

void
jp_listener_format(const struct jp_listener *listener, const char *run_dir,
    char text[JP_LISTEN_TEXT_MAX])
{
	if (listener->listen[0] != '\0')
		(void)jp_field_set(text, JP_LISTEN_TEXT_MAX, listener->listen);
	else
		(void)snprintf(text, JP_LISTEN_TEXT_MAX, "%s/%s.sock", run_dir,
		    listener->name);
}

/* What is behind the literal address; NULL: it is another one. */
static const char *
behind(const char *text, const char *address)
{
	size_t len = strlen(address);

	return strncmp(text, address, len) == 0 ? text + len : NULL;
}

uint16_t
jp_listen_port(const char *text)
{
	const char *digits = behind(text, ipv4);
	size_t len;
	long port;

	if (digits == NULL)
		digits = behind(text, ipv6);
	if (digits == NULL || digits[0] == '0')
		return 0;
	len = strspn(digits, "0123456789");
	if (len > 5 || digits[len] != '\0')
		return 0;
	port = strtol(digits, NULL, 10);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static enum jp_err
parse_path(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_un *at = (struct sockaddr_un *)address;
	size_t end = strlen(text);

	if (end > JP_UNIX_PATH_MAX || text[0] != '/' || text[end - 1] == '/' ||
	    !jp_path_plain(text))
		return JP_ERR_INVALID;
	at->sun_family = AF_UNIX;
	memcpy(at->sun_path, text, end + 1);
	*len = sizeof(*at);
	return JP_ERR_OK;
}

enum jp_err
jp_listen_parse(
    const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *at4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *at6 = (struct sockaddr_in6 *)address;
	uint16_t port = jp_listen_port(text);

	memset(address, 0, sizeof(*address));
	if (port == 0)
		return parse_path(text, address, len);
	if (text[0] == '[') {
		at6->sin6_family = AF_INET6;
		at6->sin6_addr = in6addr_loopback;
		at6->sin6_port = htons(port);
		*len = sizeof(*at6);
	} else {
		at4->sin_family = AF_INET;
		at4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		at4->sin_port = htons(port);
		*len = sizeof(*at4);
	}
	return JP_ERR_OK;
}
