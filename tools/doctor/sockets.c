/*
 * pat-admin check: the directory of the sockets, and who listens there.
 */
#include "tools/doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/decide/memo_file.h"
#include "common/wire/client.h"
#include "common/store/bdb.h"

enum {
	START_MS = 5000, /* of a patd */
};

/* What patd does where a restart costs more than elsewhere. */
static void
check_memo(struct doctor *doctor)
{
	const struct jp_settings *settings = doctor->settings;
	struct jp_why why;

	if (settings->cache_file && settings->cache_entries > 0 &&
	    jp_memo_file_place(settings->run_dir, &why) == JP_ERR_REFUSED)
		report_finding(doctor, LEVEL_OK, "memo", "%s", why.text);
}

static void
check_run_dir(struct doctor *doctor)
{
	const char *path = doctor->settings->run_dir;
	struct stat st;

	if (lstat(path, &st) != 0 && errno == ENOENT)
		report_finding(doctor, LEVEL_OK, "sockets",
		    "%s: not there yet: patd creates it", path);
	else if (report_path(doctor, "sockets", path, S_IFDIR, 022, &st))
		report_finding(doctor, LEVEL_OK, "sockets", "%s", path);
}

/* Whether the patd that signed the lock of the store last is there. */
static bool
patd_lives(const struct doctor *doctor, pid_t *pid)
{
	char name[64], path[64], comm[16] = "";
	FILE *file;

	if (!jp_store_bdb_holder(
	        doctor->settings->store_dir, name, sizeof(name), pid) ||
	    strcmp(name, "patd") != 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)*pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	(void)!fgets(comm, sizeof(comm), file);
	(void)fclose(file);
	return strcmp(comm, "patd\n") == 0;
}

/* Whether patd listens on the socket `name`. */
static bool
check_socket(struct doctor *doctor, const char *name)
{
	char path[JP_UNIX_PATH_MAX + 16];
	enum jp_err err;
	pid_t pid;
	int fd = -1;

	(void)snprintf(
	    path, sizeof(path), "%s/%s", doctor->settings->run_dir, name);
	err = jp_client_connect(path, jp_now_ms() + 3000, &fd);
	if (err == JP_ERR_OK) {
		(void)close(fd);
		report_finding(doctor, LEVEL_OK, "patd", "listens on %s", path);
		return true;
	}
	if (err == JP_ERR_PERMISSION) {
		doctor->patd_hidden = true;
		report_hidden(doctor, LEVEL_WARN);
	} else if (err != JP_ERR_MISSING && err != JP_ERR_UNREACHABLE) {
		report_finding(doctor, LEVEL_BAD, "patd", "%s: %s", path,
		    jp_err_text(err));
	} else if (patd_lives(doctor, &pid)) {
		report_finding(doctor, LEVEL_BAD, "patd",
		    "patd runs (pid %ld), but %s is %s: check its log, "
		    "and restart it, patd.socket too where systemd has one",
		    (long)pid, path,
		    access(path, F_OK) == 0 ? "not one of its sockets"
		                            : "gone");
	} else if (access(path, F_OK) == 0) {
		report_finding(doctor, LEVEL_WARN, "patd",
		    "%s is left over from a patd that has ended: start patd",
		    path);
	}
	return false;
}

/* The question at verify.sock has a service manager start a patd. */
static void
await_admin(const struct doctor *doctor)
{
	char path[JP_UNIX_PATH_MAX + 16];
	int64_t deadline_ms = jp_now_ms() + START_MS;

	(void)snprintf(
	    path, sizeof(path), "%s/admin.sock", doctor->settings->run_dir);
	while (
	    access(path, F_OK) != 0 && errno == ENOENT && jp_pause(deadline_ms))
		continue;
}

static void
check_patd(struct doctor *doctor)
{
	bool verify = check_socket(doctor, "verify.sock");

	if (verify)
		await_admin(doctor);
	doctor->patd = check_socket(doctor, "admin.sock");
	if (!doctor->patd && !verify && !doctor->patd_hidden &&
	    doctor->settings->cluster.configured)
		report_finding(doctor, LEVEL_BAD, "patd",
		    "patd is not running: this host of a cluster accepts no "
		    "token: start it");
	else if (!doctor->patd && !verify && !doctor->patd_hidden)
		report_finding(doctor, LEVEL_OK, "patd",
		    "patd is not running: pat-admin uses the store directly");
	else if (verify && !doctor->patd && !doctor->patd_hidden)
		report_finding(doctor, LEVEL_BAD, "patd",
		    "answers only on verify.sock: restart it");
}

/* Whether somebody listens on a stream socket there. */
static int
connect_stream(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int errnum = 0;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
	                  sizeof(address)) != 0)
		errnum = errno;
	if (fd >= 0)
		(void)close(fd);
	return errnum;
}

/* The sockets of the saslauthd protocol: its clients have no deadline. */
static void
check_mux(struct doctor *doctor)
{
	const struct jp_paths *mux = &doctor->settings->mux;

	for (size_t i = 0; i < mux->len && doctor->patd; i++) {
		int errnum = connect_stream(mux->at[i]);

		if (errnum == 0)
			report_finding(doctor, LEVEL_OK, "mux", "listens on %s",
			    mux->at[i]);
		else
			report_finding(doctor, LEVEL_BAD, "mux",
			    "%s: %s: restart patd, and check its log",
			    mux->at[i], strerror(errnum));
	}
}

void
doctor_sockets(struct doctor *doctor)
{
	check_run_dir(doctor);
	check_memo(doctor);
	check_patd(doctor);
	check_mux(doctor);
}
