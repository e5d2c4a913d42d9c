/*
 * pat-admin check: pat-httpd, if the configuration or a socket of it shows that
 * it is used: its user, its listeners, and what it reads of the services.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "tools/doctor/addresses.h"

/* Whether a built-in socket is there. */
static bool
has_socket(const struct jp_settings *settings)
{
	char path[JP_LISTEN_TEXT_MAX];

	for (size_t i = 0; i < settings->httpd.listener_len; i++) {
		jp_listener_format(
		    &settings->httpd.listeners[i], settings->run_dir, path);
		if (path[0] == '/' && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void
check_user(struct doctor *doctor)
{
	const char *user = doctor->settings->httpd.user;
	struct jp_account account;

	if (jp_account_find(user, &account) != JP_ERR_OK)
		report_finding(doctor, LEVEL_BAD, "pat-httpd",
		    "there is no user %s: run adduser --system --group "
		    "--no-create-home %s",
		    user, user);
	else
		report_finding(doctor, LEVEL_OK, "pat-httpd", "user %s", user);
}

/* errno of a connection to it; 0: somebody listens. */
static int
connect_to(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd, errnum = EINVAL;

	if (jp_listen_parse(text, &address, &len) != JP_ERR_OK)
		return errnum;
	fd = socket(
	    address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	errnum = connect(fd, (const struct sockaddr *)&address, len) == 0
	             ? 0
	             : errno;
	(void)close(fd);
	return errnum == EINPROGRESS || errnum == EAGAIN ? 0 : errnum;
}

/* FastCGI over TCP proves nobody: whoever has the port is believed. */
static void
check_port(struct doctor *doctor, const struct jp_listener *listener,
    const char *address)
{
	struct config_scan scan = { .doctor = doctor, .root = doctor->root };
	unsigned int port = jp_listen_port(address);

	if (listener->protocol == JP_LISTENER_FCGI && port != 0 &&
	    address_port_free(&scan, port))
		report_finding(doctor, LEVEL_WARN, "pat-httpd",
		    "[listener %s] %s: any local user can take this port while "
		    "pat-httpd is away, and say yes to all: use one below "
		    "1024, or a systemd socket unit",
		    listener->name, address);
}

static void
check_listener(struct doctor *doctor, const struct jp_listener *listener)
{
	char address[JP_LISTEN_TEXT_MAX];
	int errnum;

	jp_listener_format(listener, doctor->settings->run_dir, address);
	check_port(doctor, listener, address);
	errnum = connect_to(address);
	if (errnum == EACCES)
		report_hidden(doctor, LEVEL_WARN);
	else if (errnum != 0)
		report_finding(doctor, LEVEL_BAD, "pat-httpd",
		    "%s: %s: start pat-httpd, and check its log", address,
		    strerror(errnum));
	else
		report_finding(
		    doctor, LEVEL_OK, "pat-httpd", "listens on %s", address);
}

/* What tells reads from writes changes nothing where both need the same. */
static void
check_rules(struct doctor *doctor)
{
	const struct jp_policy *policy = &doctor->settings->policy;

	for (size_t i = 0; i < policy->rule_len; i++) {
		const struct jp_rule *rule = &policy->rules[i];

		if (rule->read_scope[0] == '\0' &&
		    (rule->read_methods[0] != '\0' ||
		        rule->read_paths[0] != '\0'))
			report_finding(doctor, LEVEL_WARN, "services",
			    "[service %s] has read_methods or read_paths, "
			    "which have no effect without read_scope: add it",
			    rule->glob);
	}
}

void
doctor_httpd(struct doctor *doctor)
{
	const struct jp_httpd_settings *httpd = &doctor->settings->httpd;

	check_rules(doctor);
	if (!httpd->configured && !doctor->settings->self.configured &&
	    !has_socket(doctor->settings))
		return;
	check_user(doctor);
	for (size_t i = 0; i < httpd->listener_len; i++)
		check_listener(doctor, &httpd->listeners[i]);
}
