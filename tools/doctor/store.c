/*
 * pat-admin check: the store, its pepper and its disk.
 */
#include "common/sys/process.h"
#include "tools/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/store/bdb.h"
#include "tools/cli/cluster_report.h"
#include "tools/cli/prefixes.h"
#include "tools/cli/session.h"
#include "tools/formats/new_store.h"

enum {
	FREE_MIN = 64 << 20, /* bytes */
	FREE_PART = 20,      /* one twentieth of the disk: 5 % */
};

/* A file of another user, or open to others: a restore by hand, mostly. */
static void
check_inside(struct doctor *doctor)
{
	const char *dir_path = doctor->settings->store_dir;
	char path[JP_PATH_MAX + NAME_MAX + 2];
	struct dirent *entry;
	struct stat st;
	DIR *dir = opendir(dir_path);

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(
		    path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		(void)report_path(doctor, "store", path, S_IFREG, 077, &st);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static void
check_dir(struct doctor *doctor)
{
	const char *path = doctor->settings->store_dir;
	struct stat st;

	if (!report_path(doctor, "store", path, S_IFDIR, 077, &st)) {
		doctor->no_store = true;
	} else if (!jp_store_bdb_exists(path)) {
		doctor->no_store = true;
		report_finding(doctor, LEVEL_BAD, "store",
		    "%s: no databases: run `pat-admin init`", path);
	} else {
		report_finding(doctor, LEVEL_OK, "store", "%s", path);
		check_inside(doctor);
	}
}

/* Whether the file lies in the directory, or below it. */
static bool
is_inside(const char *dir, const char *file)
{
	char *real_dir = realpath(dir, NULL), *real = realpath(file, NULL);
	size_t len = real_dir != NULL ? strlen(real_dir) : 0;
	bool inside = real_dir != NULL && real != NULL &&
	              strncmp(real, real_dir, len) == 0 && real[len] == '/';

	free(real_dir);
	free(real);
	return inside;
}

/* False: there is none that can be used at all. */
static bool
check_key(struct doctor *doctor, const char *subject, const char *path,
    const char *setting)
{
	struct stat st;

	if (!report_path(doctor, subject, path, S_IFREG, 077, &st))
		return false;
	if (st.st_size != JP_KEY_LEN)
		report_finding(doctor, LEVEL_BAD, subject,
		    "%s: has %lld bytes, not %d: restore it from a backup",
		    path, (long long)st.st_size, JP_KEY_LEN);
	else if (is_inside(doctor->settings->store_dir, path))
		report_finding(doctor, LEVEL_BAD, subject,
		    "%s: lies in store_dir, so who gets a copy of the store "
		    "has it, too: move it and change %s",
		    path, setting);
	else
		report_finding(doctor, LEVEL_OK, subject, "%s", path);
	return true;
}

static void
check_pepper(struct doctor *doctor)
{
	if (!check_key(
	        doctor, "pepper", doctor->settings->pepper_file, "pepper_file"))
		doctor->no_store = true;
}

/* One that no service needs may be missing. */
static void
check_upstream_key(struct doctor *doctor)
{
	const struct jp_settings *settings = doctor->settings;
	const char *path = settings->upstream_key_file;
	struct stat st;

	if (jp_policy_shows_upstream(&settings->policy) ||
	    lstat(path, &st) == 0)
		(void)check_key(
		    doctor, "upstream-key", path, "upstream_key_file");
}

static void
check_space(struct doctor *doctor, const char *path)
{
	struct statvfs fs;
	uint64_t bytes, all;

	if (statvfs(path, &fs) != 0)
		return; /* the check of the directory has said so */
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (bytes < FREE_MIN || bytes < all / FREE_PART)
		report_finding(doctor, LEVEL_WARN, "space",
		    "%" PRIu64 " MiB free on the disk of %s: make room",
		    bytes >> 20, path);
	else
		report_finding(doctor, LEVEL_OK, "space",
		    "%" PRIu64 " MiB free on the disk of %s", bytes >> 20,
		    path);
}

/* No file yet. Who may write there by an ACL shows in the mode, too. */
static void
check_audit_dir(struct doctor *doctor, const char *dir, const struct stat *st)
{
	if (st->st_uid != doctor->uid && (st->st_mode & 022) == 0)
		report_finding(doctor, LEVEL_BAD, "audit",
		    "%s: patd cannot create %s there: chown the directory to "
		    "uid %lu",
		    dir, doctor->settings->audit_file,
		    (unsigned long)doctor->uid);
	else
		report_finding(doctor, LEVEL_OK, "audit",
		    "%s: not there yet: patd creates it",
		    doctor->settings->audit_file);
}

/* patd makes the file; its directory must exist. */
static void
check_audit(struct doctor *doctor)
{
	const char *path = doctor->settings->audit_file;
	char dir_path[JP_PATH_MAX + 1];
	char *slash;
	struct stat st, file;

	if (path[0] == '\0')
		return;
	(void)snprintf(dir_path, sizeof(dir_path), "%s", path);
	slash = strrchr(dir_path, '/');
	if (slash != NULL)
		*slash = '\0';
	if (stat(dir_path, &st) != 0)
		report_finding(doctor, LEVEL_BAD, "audit",
		    "%s: %s: create it, owned by the user of patd", dir_path,
		    strerror(errno));
	else if (lstat(path, &file) != 0 && errno == ENOENT)
		check_audit_dir(doctor, dir_path, &st);
	else if (report_path(doctor, "audit", path, S_IFREG, 022, &file))
		report_finding(doctor, LEVEL_OK, "audit", "%s", path);
	check_space(doctor, dir_path);
}

/*
 * What a restore or a join was making when it was killed. The next join takes
 * it over, but the next restore refuses to begin; and a pepper may lie in it.
 */
static void
check_left(struct doctor *doctor, const char *path)
{
	static const struct {
		const char *suffix, *command, *then;
	} makers[] = {
		{ NEW_STORE_RESTORE, "restore", "and run it again" },
		{ NEW_STORE_JOIN, "cluster join",
		    "or run it again, which does that" },
	};
	char left[JP_PATH_MAX + sizeof(NEW_STORE_RESTORE)];
	struct stat st;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		(void)snprintf(
		    left, sizeof(left), "%s%s", path, makers[i].suffix);
		if (lstat(left, &st) == 0)
			report_finding(doctor, LEVEL_WARN, "store",
			    "%s: a `pat-admin %s` runs, or was killed, and "
			    "what it was making is of no use: if none runs, "
			    "rm -r %s, %s",
			    left, makers[i].command, left, makers[i].then);
	}
}

void
doctor_store_files(struct doctor *doctor)
{
	check_dir(doctor);
	check_pepper(doctor);
	check_left(doctor, doctor->settings->store_dir);
	check_left(doctor, doctor->settings->pepper_file);
	check_upstream_key(doctor);
	check_space(doctor, doctor->settings->store_dir);
	check_audit(doctor);
}

/* ---- What is in it ---- */

static enum jp_err
take_info(void *arg, const struct jp_admin_item *item)
{
	struct doctor *doctor = arg;

	if (cluster_report_has(item))
		return JP_ERR_OK;
	if (item->kind != JP_ITEM_STATS)
		return JP_ERR_PROTOCOL;
	report_finding(doctor, LEVEL_OK, "records",
	    "%" PRIu64 " records, %" PRIu64 " commits, %" PRIu64 " bytes",
	    item->store.records, item->store.commits, item->store.bytes);
	if (item->store.reserve < JP_STORE_RESERVE)
		report_finding(doctor, LEVEL_BAD, "reserve",
		    "%s/reserve: has %" PRIu64 " of the %u bytes that are kept "
		    "for revocations: make room on its disk; until then "
		    "nothing else is written",
		    doctor->settings->store_dir, item->store.reserve,
		    JP_STORE_RESERVE);
	return JP_ERR_OK;
}

static enum jp_err
take_nothing(void *arg, const struct jp_admin_item *item)
{
	(void)arg;
	(void)item;
	return JP_ERR_OK;
}

static enum jp_err
ask_prefixes(struct doctor *doctor, struct session *session, struct jp_why *why)
{
	char text[PREFIXES_TEXT_MAX];
	struct prefix_counts counts;
	enum jp_err err = prefixes_count(session, &counts, why);

	if (err != JP_ERR_OK)
		return err;
	if (prefixes_format(&counts, &doctor->settings->policy, text))
		report_finding(doctor, LEVEL_OK, "prefixes", "%s", text);
	else
		report_finding(doctor, LEVEL_WARN, "prefixes",
		    "%s: add it to [tokens] accept_prefix, or revoke its "
		    "tokens",
		    text);
	return err;
}

/* Beside the time that the store has seen: purge and others go by it. */
static enum jp_err
ask_clock(struct doctor *doctor, struct session *session, struct jp_why *why)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_STATS,
		.clock_rule = JP_CLOCK_NEAR };
	enum jp_err err =
	    session_run(session, &request, take_nothing, NULL, why);

	if (err != JP_ERR_REFUSED)
		return err;
	report_finding(doctor, LEVEL_BAD, "clock", "%s", why->text);
	return JP_ERR_OK;
}

struct upstream_count {
	uint64_t all, closed;
	enum jp_upstream_state state; /* of the last of these */
};

static enum jp_err
count_upstream(void *arg, const struct jp_admin_item *item)
{
	struct upstream_count *count = arg;

	if (item->kind != JP_ITEM_UPSTREAM)
		return JP_ERR_PROTOCOL;
	count->all++;
	if (item->upstream_state == JP_UPSTREAM_READY)
		return JP_ERR_OK;
	count->closed++;
	count->state = item->upstream_state;
	return JP_ERR_OK;
}

static enum jp_err
ask_upstream(struct doctor *doctor, struct session *session, struct jp_why *why)
{
	static const struct jp_admin_request request = {
		.op = JP_ADMIN_UPSTREAMS
	};
	struct upstream_count count = { .all = 0 };
	enum jp_err err =
	    session_run(session, &request, count_upstream, &count, why);

	if (err != JP_ERR_OK)
		return err;
	if (count.closed > 0)
		report_finding(doctor, LEVEL_BAD, "upstream",
		    "%" PRIu64 " of %" PRIu64 " credentials cannot be opened: "
		    "%s: %s, or set them again",
		    count.closed, count.all,
		    jp_upstream_state_text(count.state),
		    doctor->settings->cluster.configured
		        ? "copy the upstream_key_file of another host of the "
		          "cluster"
		        : "put the right upstream_key_file back");
	else if (count.all > 0)
		report_finding(doctor, LEVEL_OK, "upstream",
		    "%" PRIu64 " credentials", count.all);
	return err;
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
		if (err == JP_ERR_OK)
			err = ask_prefixes(doctor, &session, &why);
		if (err == JP_ERR_OK)
			err = ask_upstream(doctor, &session, &why);
		if (err == JP_ERR_OK)
			err = ask_clock(doctor, &session, &why);
		session_close(&session);
	}
	if (err != JP_ERR_OK)
		report_finding(doctor, LEVEL_BAD, "records", "%s", why.text);
}

/* As the user of patd: what recovery writes must not be root's. */
static bool
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
		report_finding(
		    doctor, LEVEL_OK, "pages", "every page is intact");
	else
		report_finding(doctor, LEVEL_BAD, "pages", "%s", why.text);
	return err == JP_ERR_OK;
}

void
doctor_store_content(struct doctor *doctor)
{
	if (doctor->patd) {
		ask_info(doctor);
	} else if (!doctor->no_store && !doctor->patd_hidden) {
		if (verify_pages(doctor))
			ask_info(doctor);
	}
}
