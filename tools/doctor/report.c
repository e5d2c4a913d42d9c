#include "tools/doctor/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "tools/cli/output.h"

/* No default: the compiler names a level that is missing here. */
static const char *
level_name(enum level level)
{
	switch (level) {
	case LEVEL_OK:
		return "ok";
	case LEVEL_WARN:
		return "warn";
	case LEVEL_BAD:
		return "bad";
	}
	return "?";
}

static void
print_json(struct doctor *doctor, json_t *finding)
{
	(void)fputs(doctor->begun ? "," : "[", stdout);
	doctor->begun = true;
	(void)output_json(finding);
}

static void
print_text(struct doctor *doctor, enum level level, const char *subject,
    const char *text)
{
	doctor->bad |= level == LEVEL_BAD;
	if (!doctor->context->json)
		(void)printf(
		    "%-5s %-12s %s\n", level_name(level), subject, text);
}

void
report_finding(struct doctor *doctor, enum level level, const char *subject,
    const char *format, ...)
{
	char text[2 * JP_WHY_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	jp_cut_end(text); /* JSON takes whole characters alone */
	jp_mask(text);    /* paths and names are the configuration's */
	print_text(doctor, level, subject, text);
	if (doctor->context->json)
		print_json(doctor,
		    json_pack("{s:s,s:s,s:s}", "level", level_name(level),
		        "subject", subject, "text", text));
}

void
report_trap(struct doctor *doctor, enum level level, const char *subject,
    const struct report_place *place, const char *text)
{
	char number[16] = "", whole[4 * JP_WHY_MAX];

	if (place->line != 0)
		(void)snprintf(number, sizeof(number), ":%u", place->line);
	(void)snprintf(whole, sizeof(whole), "%s%s: %s [%s]", place->file,
	    number, text, place->trap);
	print_text(doctor, level, subject, whole);
	if (doctor->context->json)
		print_json(
		    doctor, json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "level",
		                level_name(level), "subject", subject, "text",
		                text, "trap", place->trap, "file", place->file,
		                "line", (int)place->line));
}

/* ---- Files ---- */

/* Its lstat() failed. */
static void
report_unreadable(struct doctor *doctor, const char *subject, const char *path)
{
	if (errno == EACCES)
		report_hidden(doctor, LEVEL_BAD);
	else
		report_finding(doctor, LEVEL_BAD, subject, "%s: %s: %s", path,
		    strerror(errno),
		    errno == ENOENT ? "run `pat-admin init`"
		                    : "check its disk");
}

bool
report_path(struct doctor *doctor, const char *subject, const char *path,
    mode_t type, mode_t forbidden, struct stat *st)
{
	if (lstat(path, st) != 0) {
		report_unreadable(doctor, subject, path);
	} else if ((st->st_mode & S_IFMT) != type) {
		report_finding(doctor, LEVEL_BAD, subject, "%s: not a %s", path,
		    type == S_IFDIR ? "directory" : "regular file");
	} else if (st->st_uid != doctor->uid && geteuid() != 0) {
		report_hidden(doctor, LEVEL_BAD); /* nor could we chown it */
	} else if (st->st_uid != doctor->uid) {
		report_finding(doctor, LEVEL_BAD, subject,
		    "%s: belongs to uid %lu: chown it to uid %lu", path,
		    (unsigned long)st->st_uid, (unsigned long)doctor->uid);
	} else if ((st->st_mode & forbidden) != 0) {
		report_finding(doctor, LEVEL_BAD, subject,
		    "%s: mode %04o is too wide: chmod %04o %s", path,
		    st->st_mode & 07777, st->st_mode & 07777 & ~forbidden,
		    path);
	} else {
		return true;
	}
	return false;
}

/* ---- What the last lines sum up ---- */

void
report_hidden(struct doctor *doctor, enum level level)
{
	doctor->hidden++;
	if (level > doctor->hidden_level)
		doctor->hidden_level = level;
}

void
report_opened(struct doctor *doctor, const char *door)
{
	size_t len = strlen(doctor->opened), size = sizeof(doctor->opened);
	char shown[DOCTOR_OPENED_MAX];

	/* The name of a file may be no text. */
	(void)jp_escape(shown, sizeof(shown), door);
	if (strstr(doctor->opened, shown) != NULL)
		return;
	if (len + strlen(shown) + sizeof(", ...") < size)
		(void)stpcpy(
		    stpcpy(doctor->opened + len, len > 0 ? ", " : ""), shown);
	else if (strstr(doctor->opened, ", ...") == NULL)
		(void)snprintf(doctor->opened + len, size - len, ", ...");
}
