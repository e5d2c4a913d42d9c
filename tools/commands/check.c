/*
 * pat-admin check: the doctor. Here are configuration, user and clock, the
 * order of all parts, and how findings are printed.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "common/base/escape.h"
#include "tools/cli/output.h"

static const char *const level_names[] = { "ok", "warn", "bad" };

enum {
	YEAR_2024 = 1704067200,
};

static void
print_json(struct doctor *doctor, json_t *finding)
{
	(void)fputs(doctor->begun ? "," : "[", stdout);
	doctor->begun = true;
	(void)json_print(finding);
}

static void
print_text(struct doctor *doctor, enum level level, const char *subject,
    const char *text)
{
	doctor->bad |= level == LEVEL_BAD;
	if (!doctor->context->json)
		(void)printf(
		    "%-5s %-12s %s\n", level_names[level], subject, text);
}

void
report(struct doctor *doctor, enum level level, const char *subject,
    const char *format, ...)
{
	char text[2 * JP_WHY_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	jp_mask(text); /* paths and names are the configuration's */
	print_text(doctor, level, subject, text);
	if (doctor->context->json)
		print_json(doctor,
		    json_pack("{s:s,s:s,s:s}", "level", level_names[level],
		        "subject", subject, "text", text));
}

void
report_trap(struct doctor *doctor, enum level level, const char *subject,
    const char *name, const char *file, unsigned int line, const char *text)
{
	char number[16] = "", whole[4 * JP_WHY_MAX];

	if (line != 0)
		(void)snprintf(number, sizeof(number), ":%u", line);
	(void)snprintf(
	    whole, sizeof(whole), "%s%s: %s [%s]", file, number, text, name);
	print_text(doctor, level, subject, whole);
	if (doctor->context->json)
		print_json(doctor,
		    json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "level",
		        level_names[level], "subject", subject, "text", text,
		        "trap", name, "file", file, "line", (int)line));
}

/* ---- Configuration, user, clock ---- */

static void
check_config(struct doctor *doctor)
{
	struct jp_why why = { .text = "" };

	if (context_load(doctor->context, &why) != JP_ERR_OK) {
		report(doctor, LEVEL_BAD, "config", "%s", why.text);
		return;
	}
	report(doctor, LEVEL_OK, "config", "%s",
	    doctor->settings->file[0] != '\0' ? doctor->settings->file
	                                      : "no " JP_CONFIG_FILE
	                                        ": the defaults hold");
}

/* The first section that matches counts: another one before it hides it. */
static void
check_services(struct doctor *doctor)
{
	const struct jp_policy *policy = &doctor->settings->policy;
	const struct jp_rule *rules = policy->rules;
	bool hidden = false;

	for (size_t i = 0; i < policy->rule_len; i++)
		for (size_t j = 0; j < i; j++) {
			if (fnmatch(rules[j].glob, rules[i].glob, 0) != 0)
				continue;
			hidden = true;
			report(doctor, LEVEL_BAD, "services",
			    "[service %s] never counts: [service %s] stands "
			    "before it; change their order",
			    rules[i].glob, rules[j].glob);
			break;
		}
	if (!hidden && policy->rule_len > 0)
		report(doctor, LEVEL_OK, "services",
		    "%zu sections, none hides another", policy->rule_len);
}

static void
check_user(struct doctor *doctor)
{
	const char *user = doctor->settings->user;
	struct jp_account account;
	bool found = jp_account_find(user, &account) == JP_ERR_OK;

	doctor->uid = geteuid();
	if (geteuid() != 0 && (!found || account.uid != geteuid())) {
		report(doctor, LEVEL_OK, "user",
		    "not run by root: everything shall belong to uid %lu",
		    (unsigned long)geteuid());
	} else if (!found) {
		report(doctor, LEVEL_BAD, "user",
		    "there is no user %s: adduser --system --group "
		    "--no-create-home %s",
		    user, user);
	} else {
		doctor->uid = account.uid;
		report(doctor, LEVEL_OK, "user", "%s", user);
	}
}

static void
check_clock(struct doctor *doctor)
{
	int64_t now = jp_clock_now(&jp_system_clock);
	char text[JP_WHEN_TEXT_MAX];

	jp_when_format(now, text);
	if (now < YEAR_2024)
		report(doctor, LEVEL_BAD, "clock",
		    "%s cannot be: set the clock, or nothing expires", text);
	else
		report(doctor, LEVEL_OK, "clock", "%s", text);
}

/* ---- Files ---- */

bool
check_path(struct doctor *doctor, const char *subject, const char *path,
    mode_t type, mode_t forbidden, struct stat *st)
{
	if (lstat(path, st) != 0) {
		if (errno == EACCES)
			doctor_hidden(doctor, LEVEL_BAD);
		else
			report(doctor, LEVEL_BAD, subject, "%s: %s: %s", path,
			    strerror(errno),
			    errno == ENOENT ? "run `pat-admin init`"
			                    : "see to its disk");
		return false;
	}
	if ((st->st_mode & S_IFMT) != type) {
		report(doctor, LEVEL_BAD, subject, "%s: is no %s", path,
		    type == S_IFDIR ? "folder" : "regular file");
		return false;
	}
	if (st->st_uid != doctor->uid && geteuid() != 0) {
		doctor_hidden(doctor, LEVEL_BAD); /* nor could he chown it */
		return false;
	}
	if (st->st_uid != doctor->uid) {
		report(doctor, LEVEL_BAD, subject,
		    "%s: belongs to uid %lu: chown it to uid %lu", path,
		    (unsigned long)st->st_uid, (unsigned long)doctor->uid);
		return false;
	}
	if ((st->st_mode & forbidden) != 0) {
		report(doctor, LEVEL_BAD, subject,
		    "%s: mode %04o is too wide: chmod %04o %s", path,
		    st->st_mode & 07777, st->st_mode & 07777 & ~forbidden,
		    path);
		return false;
	}
	return true;
}

/* ---- What only root sees, and which doors tokens open ---- */

void
doctor_hidden(struct doctor *doctor, enum level level)
{
	doctor->hidden++;
	if (level > doctor->hidden_level)
		doctor->hidden_level = level;
}

static void
check_hidden(struct doctor *doctor)
{
	if (doctor->hidden > 0)
		report(doctor, doctor->hidden_level, "user",
		    "%zu things are for root to look at: run as root",
		    doctor->hidden);
}

void
doctor_opens(struct doctor *doctor, const char *door)
{
	size_t len = strlen(doctor->opened), size = sizeof(doctor->opened);

	if (strstr(doctor->opened, door) != NULL)
		return;
	if (len + strlen(door) + sizeof(", ...") < size)
		(void)snprintf(doctor->opened + len, size - len, "%s%s",
		    len > 0 ? ", " : "", door);
	else if (strstr(doctor->opened, ", ...") == NULL)
		(void)snprintf(doctor->opened + len, size - len, ", ...");
}

/*
 * The last word. A tree below --root has no patd of its own, so that one that
 * does not run is no fault of it.
 */
static void
check_opened(struct doctor *doctor)
{
	bool down = !doctor->patd && !doctor->patd_hidden;

	if (doctor->opened[0] == '\0')
		report(doctor, LEVEL_WARN, "doors",
		    "tokens open no door: no front door asks for them; "
		    "see the examples for Apache, nginx and others");
	else if (down)
		report(doctor, doctor->root[0] == '\0' ? LEVEL_BAD : LEVEL_WARN,
		    "doors",
		    "tokens would open %s, but patd does not run: start it",
		    doctor->opened);
	else
		report(doctor, LEVEL_OK, "doors", "tokens open %s",
		    doctor->opened);
}

/*
 * In this order: each uses what those before it have found. The content comes
 * last, for this process may then become the user of patd.
 */
static void (*const checks[])(struct doctor *doctor) = {
	check_services,
	check_user,
	check_clock,
	check_store_files,
	check_sockets,
	check_memory,
	check_front_doors,
	check_store_content,
	check_hidden,
	check_opened,
};

static struct check_args {
	const char *root;
} args = { .root = "" };

static enum jp_err
take_root(void *arg, char *value, struct jp_why *why)
{
	struct stat st;

	if (stat(value, &st) != 0 || !S_ISDIR(st.st_mode))
		return jp_why(why, JP_ERR_INVALID, "--root: expected a folder");
	((struct check_args *)arg)->root = value;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	{ "--root", "FOLDER", "look for the front doors' files below it",
	    take_root },
};

/*
 * A tree without a configuration of its own is looked at alone: nothing of this
 * machine's store, patd and sockets belongs to it.
 */
static void
check_tree(struct doctor *doctor)
{
	jp_settings_default(&doctor->context->settings);
	check_front_doors(doctor);
	check_hidden(doctor);
	check_opened(doctor);
}

static void
check_machine(struct doctor *doctor)
{
	check_config(doctor);
	/* Without it nobody knows where the rest is. */
	for (size_t i = 0;
	     doctor->context->loaded && i < sizeof(checks) / sizeof(checks[0]);
	     i++)
		checks[i](doctor);
}

static enum status
run(struct context *context)
{
	struct doctor doctor = {
		.context = context,
		.settings = &context->settings,
		.root = args.root,
	};

	if (args.root[0] != '\0' && context->config == NULL)
		check_tree(&doctor);
	else
		check_machine(&doctor);
	if (context->json)
		(void)puts("]");
	return doctor.bad ? STATUS_NO : STATUS_DONE;
}

const struct command cmd_check = {
	.name = "check",
	.synopsis = "[OPTION]...",
	.help = "look for what is wrong with store, patd and front doors",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.args = &args,
	.prints = true,
	.only_reads = true,
	.run = run,
};
