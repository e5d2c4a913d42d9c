/*
 * pat-admin check: the doctor. It looks at configuration, folders, pepper,
 * store and patd, says what is wrong and what to do, and changes nothing.
 */
#include "tools/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/client.h"
#include "common/store_bdb.h"
#include "tools/output.h"
#include "tools/session.h"

enum level {
	LEVEL_OK,
	LEVEL_WARN,
	LEVEL_BAD,
};

static const char *const level_names[] = { "ok", "warn", "bad" };

enum {
	FREE_MIN = 64 << 20, /* bytes */
	FREE_PART = 20,      /* one twentieth of the disk: 5 % */
	YEAR_2024 = 1704067200,
};

struct doctor {
	struct context *context;
	const struct jp_settings *settings;
	bool bad;
	bool begun;       /* an element of the JSON array was printed */
	uid_t uid;        /* whom everything shall belong to */
	bool no_store;    /* no use to open it */
	bool patd;        /* answers on admin.sock */
	bool patd_hidden; /* something is there, and does not let us in */
};

static void __attribute__((format(printf, 4, 5))) report(struct doctor *doctor,
    enum level level, const char *subject, const char *format, ...)
{
	char text[2 * JP_WHY_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	doctor->bad |= level == LEVEL_BAD;
	if (!doctor->context->json) {
		(void)printf(
		    "%-5s %-12s %s\n", level_names[level], subject, text);
		return;
	}
	(void)fputs(doctor->begun ? "," : "[", stdout);
	doctor->begun = true;
	(void)json_print(json_pack("{s:s,s:s,s:s}", "level", level_names[level],
	    "subject", subject, "text", text));
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

static void
check_user(struct doctor *doctor)
{
	const char *user = doctor->settings->user;
	const struct passwd *pw = getpwnam(user);

	doctor->uid = geteuid();
	if (geteuid() != 0 && (pw == NULL || pw->pw_uid != geteuid())) {
		report(doctor, LEVEL_OK, "user",
		    "not run by root: everything shall belong to uid %lu",
		    (unsigned long)geteuid());
	} else if (pw == NULL) {
		report(doctor, LEVEL_BAD, "user",
		    "there is no user %s: adduser --system --group "
		    "--no-create-home %s",
		    user, user);
	} else {
		doctor->uid = pw->pw_uid;
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

/* What is at `path`, mode and owner: what is wrong was reported if false. */
static bool
check_path(struct doctor *doctor, const char *subject, const char *path,
    mode_t type, mode_t forbidden, struct stat *st)
{
	if (lstat(path, st) != 0) {
		report(doctor, LEVEL_BAD, subject, "%s: %s: %s", path,
		    strerror(errno),
		    errno == ENOENT ? "run `pat-admin init`" : "run as root");
		return false;
	}
	if ((st->st_mode & S_IFMT) != type) {
		report(doctor, LEVEL_BAD, subject, "%s: is no %s", path,
		    type == S_IFDIR ? "folder" : "regular file");
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

static void
check_folder(struct doctor *doctor)
{
	const char *path = doctor->settings->store_dir;
	struct stat st;

	if (!check_path(doctor, "store", path, S_IFDIR, 077, &st)) {
		doctor->no_store = true;
	} else if (!jp_store_bdb_exists(path)) {
		doctor->no_store = true;
		report(doctor, LEVEL_BAD, "store",
		    "%s: no databases: run `pat-admin init`", path);
	} else {
		report(doctor, LEVEL_OK, "store", "%s", path);
	}
}

static void
check_pepper(struct doctor *doctor)
{
	const char *path = doctor->settings->pepper_file;
	struct stat st;

	if (!check_path(doctor, "pepper", path, S_IFREG, 077, &st))
		doctor->no_store = true;
	else if (st.st_size != JP_PEPPER_LEN)
		report(doctor, LEVEL_BAD, "pepper",
		    "%s: has %lld bytes, not %d: put it back from a backup",
		    path, (long long)st.st_size, JP_PEPPER_LEN);
	else
		report(doctor, LEVEL_OK, "pepper", "%s", path);
}

static void
check_space(struct doctor *doctor)
{
	const char *path = doctor->settings->store_dir;
	struct statvfs fs;
	uint64_t bytes, all;

	if (statvfs(path, &fs) != 0)
		return; /* the folder's own check has said it */
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (bytes < FREE_MIN || bytes < all / FREE_PART)
		report(doctor, LEVEL_WARN, "space",
		    "%" PRIu64 " MiB free on the disk of %s: make room",
		    bytes >> 20, path);
	else
		report(doctor, LEVEL_OK, "space", "%" PRIu64 " MiB free",
		    bytes >> 20);
}

/* ---- patd ---- */

static void
check_run_dir(struct doctor *doctor)
{
	const char *path = doctor->settings->run_dir;
	struct stat st;

	if (lstat(path, &st) != 0 && errno == ENOENT)
		report(doctor, LEVEL_OK, "sockets",
		    "%s: not there: patd makes it", path);
	else if (check_path(doctor, "sockets", path, S_IFDIR, 022, &st))
		report(doctor, LEVEL_OK, "sockets", "%s", path);
}

/* Whether patd listens on the socket `name`. */
static bool
check_socket(struct doctor *doctor, const char *name)
{
	char path[JP_UNIX_PATH_MAX + 16];
	enum jp_err err;
	int fd = -1;

	(void)snprintf(
	    path, sizeof(path), "%s/%s", doctor->settings->run_dir, name);
	err = jp_client_connect(path, jp_now_ms() + 3000, &fd);
	if (err == JP_ERR_OK) {
		(void)close(fd);
		report(doctor, LEVEL_OK, "patd", "listens on %s", path);
		return true;
	}
	if (err == JP_ERR_PERMISSION) {
		doctor->patd_hidden = true;
		report(doctor, LEVEL_WARN, "patd",
		    "%s: permission denied: run as root", path);
	} else if (err != JP_ERR_MISSING && err != JP_ERR_UNREACHABLE) {
		report(doctor, LEVEL_BAD, "patd", "%s: %s", path,
		    jp_err_text(err));
	} else if (access(path, F_OK) == 0) {
		report(doctor, LEVEL_WARN, "patd",
		    "%s is left from a patd that is gone: start patd", path);
	}
	return false;
}

static void
check_patd(struct doctor *doctor)
{
	bool verify = check_socket(doctor, "verify.sock");

	doctor->patd = check_socket(doctor, "admin.sock");
	if (!doctor->patd && !verify && !doctor->patd_hidden)
		report(doctor, LEVEL_OK, "patd",
		    "no patd: pat-admin works on the store itself");
	else if (verify && !doctor->patd && !doctor->patd_hidden)
		report(doctor, LEVEL_BAD, "patd",
		    "answers on verify.sock alone: restart it");
}

/* ---- What is in the store ---- */

static enum jp_err
take_info(void *arg, const struct jp_admin_item *item)
{
	struct doctor *doctor = arg;

	if (item->kind != JP_ITEM_STATS)
		return JP_ERR_PROTOCOL;
	report(doctor, LEVEL_OK, "records",
	    "%" PRIu64 " records, %" PRIu64 " commits, %" PRIu64 " bytes",
	    item->store.records, item->store.commits, item->store.bytes);
	return JP_ERR_OK;
}

static void
ask_info(struct doctor *doctor)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_STATS };
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = session_open(&session, doctor->context, &why);

	if (err == JP_ERR_OK) {
		err = session_run(&session, &request, take_info, doctor, &why);
		session_close(&session);
	}
	if (err != JP_ERR_OK)
		report(doctor, LEVEL_BAD, "records", "%s", why.text);
}

/* As the user of patd: what recovery writes must not be root's. */
static void
verify_pages(struct doctor *doctor)
{
	struct jp_store_options options = {
		.dir = doctor->settings->store_dir,
		.holder = "pat-admin check",
		.wait_ms = 3000,
	};
	struct jp_why why = { .text = "" };
	struct jp_pepper pepper;
	enum jp_err err = jp_become(doctor->settings->user, &why);

	if (err == JP_ERR_OK)
		err = jp_pepper_load(
		    doctor->settings->pepper_file, &pepper, &why);
	if (err == JP_ERR_OK) {
		jp_pepper_name(&pepper, options.tag);
		jp_pepper_clear(&pepper);
		err = jp_store_bdb_verify(&options, &why);
	}
	if (err == JP_ERR_OK)
		report(doctor, LEVEL_OK, "pages", "every page is sound");
	else
		report(doctor, LEVEL_BAD, "pages", "%s", why.text);
}

static void
check_content(struct doctor *doctor)
{
	if (doctor->patd) {
		ask_info(doctor);
	} else if (!doctor->no_store && !doctor->patd_hidden) {
		verify_pages(doctor);
		if (!doctor->bad)
			ask_info(doctor);
	}
}

/* In this order: each uses what those before it have found. */
static void (*const checks[])(struct doctor *doctor) = {
	check_user,
	check_clock,
	check_folder,
	check_pepper,
	check_space,
	check_run_dir,
	check_patd,
	check_content,
};

static enum status
run(struct context *context)
{
	struct doctor doctor = {
		.context = context,
		.settings = &context->settings,
	};

	check_config(&doctor);
	/* Without it nobody knows where the rest is. */
	for (size_t i = 0;
	     context->loaded && i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&doctor);
	if (context->json)
		(void)puts("]");
	return doctor.bad ? STATUS_NO : STATUS_DONE;
}

const struct command cmd_check = {
	.name = "check",
	.synopsis = "[OPTION]...",
	.help = "look for what is wrong with store, pepper, folders and patd",
	.prints = true,
	.run = run,
};
