/*
 * pat-admin check: the configuration, and the user and the clock that
 * everything else relies on.
 */
#include "tools/doctor/doctor.h"

#include <fnmatch.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/sys/account.h"
#include "common/sys/time_text.h"

enum {
	YEAR_2024 = 1704067200,
};

void
doctor_config(struct doctor *doctor)
{
	struct jp_why why = { .text = "" };

	if (context_load(doctor->context, &why) != JP_ERR_OK) {
		report_finding(doctor, LEVEL_BAD, "config", "%s", why.text);
		return;
	}
	report_finding(doctor, LEVEL_OK, "config", "%s",
	    doctor->settings->file[0] != '\0' ? doctor->settings->file
	                                      : "no " JP_CONFIG_FILE
	                                        ": using the defaults");
}

/* The first section that matches counts: another one before it hides it. */
void
doctor_services(struct doctor *doctor)
{
	const struct jp_policy *policy = &doctor->settings->policy;
	const struct jp_rule *rules = policy->rules;
	bool hidden = false;

	for (size_t i = 0; i < policy->rule_len; i++)
		for (size_t j = 0; j < i; j++) {
			if (fnmatch(rules[j].glob, rules[i].glob, 0) != 0)
				continue;
			hidden = true;
			report_finding(doctor, LEVEL_BAD, "services",
			    "[service %s] never applies: [service %s] before "
			    "it matches the same names; change their order",
			    rules[i].glob, rules[j].glob);
			break;
		}
	if (!hidden && policy->rule_len > 0)
		report_finding(doctor, LEVEL_OK, "services",
		    "%zu sections, none hides another", policy->rule_len);
}

void
doctor_user(struct doctor *doctor)
{
	const char *user = doctor->settings->user;
	struct jp_account account;
	bool found = jp_account_find(user, &account) == JP_ERR_OK;

	doctor->uid = geteuid();
	if (geteuid() != 0 && (!found || account.uid != geteuid())) {
		report_finding(doctor, LEVEL_OK, "user",
		    "not run as root: everything should belong to uid %lu",
		    (unsigned long)geteuid());
	} else if (!found) {
		report_finding(doctor, LEVEL_BAD, "user",
		    "there is no user %s: run adduser --system --group "
		    "--no-create-home %s",
		    user, user);
	} else {
		doctor->uid = account.uid;
		report_finding(doctor, LEVEL_OK, "user", "%s", user);
	}
}

void
doctor_clock(struct doctor *doctor)
{
	int64_t now = jp_clock_now(&jp_system_clock);
	char text[JP_WHEN_TEXT_MAX];

	jp_when_format(now, text);
	if (now < YEAR_2024)
		report_finding(doctor, LEVEL_BAD, "clock",
		    "%s cannot be right: set the clock, or nothing expires",
		    text);
	else
		report_finding(doctor, LEVEL_OK, "clock", "%s", text);
}
