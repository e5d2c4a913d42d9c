/*
 * pat-admin check: what [self_service] says, where it contradicts itself, the
 * rest of the file or this machine, and where it opens more than it seems to.
 * What the proxies do with the header of the user is in nginx_blocks.c and
 * apache_page.c.
 */
#include "tools/doctor/doctor.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/sys/account.h"
#include "tools/doctor/traps.h"

enum {
	FIRST_PERSON = 1000, /* uids below are system accounts */
	LINE_ROOM = 4096,
};

#define PAGE_PATH "/tokens"  /* where pat-httpd has the page */
#define MAKER_SCOPE "tokens" /* the right of a token to make others */

struct self {
	struct config_scan *scan;
	const struct jp_settings *settings;
};

/* ---- Where it stands ---- */

/* Whether the line gives `key`, of the section that `inside` follows. */
static bool
gives(char *line, const char *section, const char *key, bool *inside)
{
	char *at = line + strspn(line, " \t");
	size_t len = strlen(key);

	if (*at == '[')
		*inside = strncmp(at + 1, section, strlen(section)) == 0;
	return *inside && strncmp(at, key, len) == 0 &&
	       strchr(" \t=:", at[len]) != NULL;
}

/* Its line in the configuration file; 0: it is not given. */
static unsigned int
line_of(const struct self *self, const char *section, const char *key)
{
	FILE *file = fopen(self->settings->file, "re");
	char line[LINE_ROOM];
	unsigned int number = 0;
	bool inside = false, found = false;

	if (file == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		number++;
		found = gives(line, section, key, &inside);
	}
	(void)fclose(file);
	return found ? number : 0;
}

static void
report(const struct self *self, enum trap trap, const char *key,
    const char *detail)
{
	trap_report(self->scan, trap, self->settings->file,
	    line_of(self, "self_service]", key), detail);
}

/* ---- Whose the page is ---- */

/* Whether it is also the one that `name` stands for. */
static bool
is_that_of(const struct jp_account *own, const char *name)
{
	struct jp_account other;

	return jp_account_find(name, &other) == JP_ERR_OK &&
	       other.uid == own->uid;
}

/* Whether root, another daemon or a proxy has it, too. */
static bool
is_shared(const struct jp_account *own, const struct jp_settings *settings)
{
	bool shared = own->uid == 0 || is_that_of(own, settings->user);

	if (settings->cluster.configured)
		shared = shared || is_that_of(own, settings->cluster.user);
	for (size_t i = 0; i < settings->self.trusted_peers.len; i++)
		shared = shared ||
		         is_that_of(own, settings->self.trusted_peers.names[i]);
	return shared;
}

/* That there is none is said of pat-httpd itself. */
static void
check_account(const struct self *self)
{
	const char *user = self->settings->httpd.user;
	struct jp_account own;

	if (jp_account_find(user, &own) == JP_ERR_OK &&
	    is_shared(&own, self->settings))
		trap_report(self->scan, TRAP_PAGE_ACCOUNT, self->settings->file,
		    line_of(self, "pat-httpd]", "user"), user);
}

/* ---- Who names the user ---- */

static void
check_peer(const struct self *self, const char *name)
{
	struct jp_account account;

	if (jp_account_find(name, &account) != JP_ERR_OK) {
		report(self, TRAP_PAGE_PEER, "trusted_peers", name);
		return;
	}
	if (account.uid >= FIRST_PERSON)
		report(self, TRAP_PAGE_PERSON, "trusted_peers", name);
}

/* The header counts on a Unix socket alone. */
static bool
has_unix_listener(const struct jp_settings *settings)
{
	char address[JP_LISTEN_TEXT_MAX];

	for (size_t i = 0; i < settings->httpd.listener_len; i++) {
		const struct jp_listener *one = &settings->httpd.listeners[i];

		jp_listener_format(one, settings->run_dir, address);
		if (one->protocol == JP_LISTENER_HTTP &&
		    jp_listen_port(address) == 0)
			return true;
	}
	return false;
}

static void
check_peers(const struct self *self)
{
	const struct jp_self_settings *settings = &self->settings->self;

	for (size_t i = 0; i < settings->trusted_peers.len; i++)
		check_peer(self, settings->trusted_peers.names[i]);
	if (settings->trusted_peers.len == 0)
		return;
	if (!has_unix_listener(self->settings))
		report(self, TRAP_PAGE_TCP, "trusted_peers", NULL);
	if (strcasecmp(
	        settings->user_header, self->settings->httpd.user_header) == 0)
		report(self, TRAP_PAGE_HEADER, "user_header",
		    settings->user_header);
}

/* ---- What users are offered ---- */

static void
check_addresses(const struct self *self)
{
	const struct jp_self_settings *settings = &self->settings->self;
	size_t len = strlen(settings->url), path = strlen(PAGE_PATH);

	if (len > 0 &&
	    (len < path || strcmp(settings->url + len - path, PAGE_PATH) != 0))
		report(self, TRAP_PAGE_URL, "url", settings->url);
	if (settings->max_auth_age != JP_NEVER &&
	    settings->login_url[0] == '\0')
		report(self, TRAP_PAGE_LOGIN, "max_auth_age", NULL);
}

static void
check_services(const struct self *self)
{
	const struct jp_self_settings *settings = &self->settings->self;
	const struct jp_policy *policy = &self->settings->policy;

	for (size_t i = 0; i < settings->service_len && policy->rule_len > 0;
	     i++)
		if (jp_policy_rule(policy, settings->services[i]) == NULL)
			report(self, TRAP_PAGE_SERVICE, "services",
			    settings->services[i]);
	for (size_t i = 0; i < policy->rule_len; i++)
		if (strcmp(policy->rules[i].scope, MAKER_SCOPE) == 0 ||
		    strcmp(policy->rules[i].read_scope, MAKER_SCOPE) == 0)
			trap_report(self->scan, TRAP_PAGE_SCOPE,
			    self->settings->file, 0, policy->rules[i].glob);
}

void
doctor_self(struct doctor *doctor)
{
	struct trap_places reported = { .len = 0 };
	struct config_scan scan = {
		.doctor = doctor,
		.root = doctor->root,
		.reported = &reported,
	};
	const struct self self = { &scan, doctor->settings };

	if (!doctor->settings->self.configured)
		return;
	check_account(&self);
	check_peers(&self);
	check_addresses(&self);
	check_services(&self);
	if (scan.found == 0)
		report_finding(
		    doctor, LEVEL_OK, "page", "[self_service]: no known trap");
}
