/*
 * pat-admin notify: runs a command for each token that comes near its end, once
 * for each threshold. Meant for a timer: how far it came is kept in a file
 * beside the store, and written before the command runs, so that nobody is
 * notified twice.
 */
#include "common/base/grow.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/formats/act_as.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/files.h"
#include "tools/formats/json_values.h"
#include "tools/formats/path_why.h"

enum {
	HOOK_S = 60, /* seconds that the command may take */
	STATE_MAX = 1024,
	PATH_ROOM = JP_PATH_MAX + 16,
};

/* The last token that was seen to come within a threshold. */
struct mark {
	int64_t threshold;
	int64_t expires_at;
	char id[JP_TOKEN_ID_LEN + 1];
};

/* A token that will end. */
struct soon {
	int64_t expires_at;
	char id[JP_TOKEN_ID_LEN + 1];
	char user[JP_USER_MAX + 1];
	char name[JP_NAME_MAX + 1];
};

struct notify {
	const struct context *context;
	const struct jp_policy *policy;
	int64_t now;
	char path[PATH_ROOM]; /* of the state */
	int fd;
	struct mark marks[JP_NOTIFY_MAX];
	struct soon *soon; /* in the order of their ends, then ids */
	size_t len, cap;
	uint64_t told, failed;
	struct jp_why *why;
};

static struct notify_args {
	bool dry_run;
} args;

static const struct cmd_option options[] = {
	CMD_FLAG("--dry-run", "only print which", struct notify_args, dry_run),
};

/* ---- the state: "THRESHOLD EXPIRES-AT ID" for each threshold ---- */

/* Above every id, which is letters and digits. */
static const char last_of_second[] = "~~~~~~~~";

/* What has no mark yet begins now: nobody is notified of what lies behind. */
static void
start_marks(struct notify *notify)
{
	for (size_t i = 0; i < notify->policy->notify_len; i++) {
		struct mark *mark = &notify->marks[i];

		mark->threshold = notify->policy->notify_at[i];
		mark->expires_at = jp_when_add(notify->now, mark->threshold);
		memcpy(mark->id, last_of_second, sizeof(mark->id));
	}
}

static void
read_mark(struct notify *notify, const char *line)
{
	int64_t threshold, expires_at;
	char id[JP_TOKEN_ID_LEN + 1];

	if (sscanf(line, "%" SCNd64 " %" SCNd64 " %8s", &threshold, &expires_at,
	        id) != 3)
		return;
	for (size_t i = 0; i < notify->policy->notify_len; i++) {
		struct mark *mark = &notify->marks[i];

		if (mark->threshold != threshold)
			continue;
		mark->expires_at = expires_at;
		memcpy(mark->id, id, sizeof(mark->id));
	}
}

/* One that root made, before it acted as the user of patd, becomes theirs. */
static void
give_state(const struct notify *notify)
{
	struct owner owner;
	struct jp_why ignored;
	int fd;

	fd = open_roots(notify->path);
	if (fd < 0)
		return;
	if (owner_of_store(&notify->context->settings, &owner, &ignored) ==
	    JP_ERR_OK)
		/* Where it fails, so does the next try to open it. */
		if (fchown(fd, owner.uid, owner.gid) != 0)
			errno = EACCES;
	(void)close(fd);
}

static enum jp_err
open_file(struct notify *notify)
{
	int how = O_RDWR | (args.dry_run ? 0 : O_CREAT) | O_CLOEXEC |
	          O_NOFOLLOW | O_NONBLOCK;
	enum jp_err err = act_at(notify->path, notify->why);
	struct stat st;

	if (err != JP_ERR_OK)
		return err;
	notify->fd = open(notify->path, how, 0600);
	if (notify->fd < 0 && errno == EACCES) {
		give_state(notify);
		err = act_at(notify->path, notify->why);
		if (err == JP_ERR_OK)
			notify->fd = open(notify->path, how, 0600);
	}
	if (err == JP_ERR_OK && notify->fd < 0 &&
	    !(args.dry_run && errno == ENOENT))
		err = path_why(notify->why, "open", notify->path);
	if (notify->fd >= 0 &&
	    (fstat(notify->fd, &st) != 0 || !S_ISREG(st.st_mode)))
		err = jp_why(notify->why, JP_ERR_CONFIG,
		    "%s: not a regular file: remove it", notify->path);
	act_as_self();
	return err;
}

static enum jp_err
open_state(struct notify *notify)
{
	char text[STATE_MAX], *rest = text, *line;
	enum jp_err err;
	ssize_t len;

	(void)snprintf(notify->path, sizeof(notify->path), "%s/%s",
	    notify->context->settings.store_dir, NOTICES_NAME);
	err = open_file(notify);
	if (err != JP_ERR_OK)
		return err;
	start_marks(notify);
	if (notify->fd < 0)
		return JP_ERR_OK;
	if (flock(notify->fd, LOCK_EX | LOCK_NB) != 0)
		return jp_why(notify->why, JP_ERR_LOCKED,
		    "%s is in use: another `pat-admin notify` runs",
		    notify->path);
	len = pread(notify->fd, text, sizeof(text) - 1, 0);
	if (len < 0)
		return path_why(notify->why, "read", notify->path);
	text[len] = '\0';
	while ((line = strtok_r(rest, "\n", &rest)) != NULL)
		read_mark(notify, line);
	return JP_ERR_OK;
}

static enum jp_err
save_state(struct notify *notify)
{
	char text[STATE_MAX];
	int len = 0;

	for (size_t i = 0; i < notify->policy->notify_len; i++) {
		const struct mark *mark = &notify->marks[i];

		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "%" PRId64 " %" PRId64 " %s\n", mark->threshold,
		    mark->expires_at, mark->id);
	}
	if (pwrite(notify->fd, text, (size_t)len, 0) != len ||
	    ftruncate(notify->fd, len) != 0 || fdatasync(notify->fd) != 0)
		return path_why(notify->why, "write", notify->path);
	return JP_ERR_OK;
}

/* ---- what ends soon ---- */

static enum jp_err
take_one(void *arg, const struct jp_admin_item *item)
{
	struct notify *notify = arg;
	struct soon *soon;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (JP_GROW(notify->soon, notify->len, notify->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	soon = &notify->soon[notify->len++];
	soon->expires_at = item->record.expires_at;
	memcpy(soon->id, item->record.id, sizeof(soon->id));
	memcpy(soon->user, item->record.user, sizeof(soon->user));
	memcpy(soon->name, item->record.name, sizeof(soon->name));
	return JP_ERR_OK;
}

static enum jp_err
gather(struct notify *notify, struct context *context)
{
	struct jp_admin_request request = { .op = JP_ADMIN_LIST,
		.clock_rule = JP_CLOCK_NEAR };
	struct session session;
	enum jp_err err = session_open(&session, context, notify->why);

	for (size_t i = 0; i < notify->policy->notify_len; i++)
		if (notify->policy->notify_at[i] > request.expiring)
			request.expiring = notify->policy->notify_at[i];
	if (err != JP_ERR_OK)
		return err;
	err = session_run(&session, &request, take_one, notify, notify->why);
	session_close(&session);
	return err;
}

/* ---- the command ---- */

/* Waits for the end of `pid`; false: it took too long, and was killed. */
static bool
wait_for(pid_t pid, int *status)
{
	const struct timespec limit = { .tv_sec = HOOK_S };
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) == 0)
		if (sigtimedwait(&child, NULL, &limit) < 0 && errno == EAGAIN) {
			(void)kill(-pid, SIGKILL);
			(void)waitpid(pid, status, 0);
			return false;
		}
	return true;
}

static int
spawn(const char *path, char *const *environment, pid_t *pid)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(
	    &actions, STDERR_FILENO, STDOUT_FILENO);
	rc = posix_spawn(pid, path, &actions, &attr, argv, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

/* False: it could not be run, or said that it failed. */
static bool
run_command(
    const struct notify *notify, const struct soon *soon, const char *within)
{
	char id[32], user[JP_USER_MAX + 16], name[JP_NAME_MAX + 16];
	char expires[JP_WHEN_TEXT_MAX], end[64], threshold[64];
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { path, id, user, name, end, threshold, NULL };
	const char *command = notify->policy->notify_command;
	int rc, status = 0;
	pid_t pid;

	jp_when_format(soon->expires_at, expires);
	(void)snprintf(id, sizeof(id), "JP_ID=%s", soon->id);
	(void)snprintf(user, sizeof(user), "JP_USER=%s", soon->user);
	(void)snprintf(name, sizeof(name), "JP_NAME=%s", soon->name);
	(void)snprintf(end, sizeof(end), "JP_EXPIRES_AT=%s", expires);
	(void)snprintf(threshold, sizeof(threshold), "JP_WITHIN=%s", within);
	rc = spawn(command, environment, &pid);
	if (rc != 0)
		(void)fprintf(stderr, "pat-admin: notify: cannot run %s: %s\n",
		    command, strerror(rc));
	else if (!wait_for(pid, &status))
		(void)fprintf(stderr,
		    "pat-admin: notify: %s: killed after %d seconds\n", command,
		    HOOK_S);
	else if (status != 0)
		(void)fprintf(stderr,
		    "pat-admin: notify: %s failed for token %s\n", command,
		    soon->id);
	return rc == 0 && status == 0;
}

static enum jp_err
print_one(const struct notify *notify, const struct soon *soon,
    const char *within, bool done)
{
	char expires[JP_WHEN_TEXT_MAX];

	if (notify->context->json)
		return output_json(json_pack("{s:s,s:s,s:s,s:o,s:s,s:b,s:b}",
		    "id", soon->id, "user", soon->user, "name", soon->name,
		    "expires_at", json_time(soon->expires_at), "within", within,
		    "notified", done, "told", done)); /* `told`: until 1.0 */
	jp_when_format(soon->expires_at, expires);
	(void)printf("%s of %s expires %s, within %s\n", soon->id, soon->user,
	    expires, within);
	return JP_ERR_OK;
}

static enum jp_err
tell_one(struct notify *notify, struct mark *mark, const struct soon *soon)
{
	char within[JP_WHEN_TEXT_MAX];
	enum jp_err err = JP_ERR_OK;
	bool done = false;

	mark->expires_at = soon->expires_at;
	memcpy(mark->id, soon->id, sizeof(mark->id));
	jp_duration_format(mark->threshold, within);
	if (!args.dry_run) {
		err = save_state(notify);
		if (err != JP_ERR_OK)
			return err;
		done = run_command(notify, soon, within);
		notify->told += done;
		notify->failed += !done;
	}
	return print_one(notify, soon, within, done);
}

static bool
is_behind(const struct mark *mark, const struct soon *soon)
{
	return soon->expires_at > mark->expires_at ||
	       (soon->expires_at == mark->expires_at &&
	           strcmp(soon->id, mark->id) > 0);
}

static enum jp_err
tell_all(struct notify *notify)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < notify->policy->notify_len; i++) {
		struct mark *mark = &notify->marks[i];
		int64_t until = jp_when_add(notify->now, mark->threshold);

		for (size_t j = 0; j < notify->len && err == JP_ERR_OK; j++)
			if (notify->soon[j].expires_at <= until &&
			    is_behind(mark, &notify->soon[j]))
				err = tell_one(notify, mark, &notify->soon[j]);
		if (err != JP_ERR_OK)
			return err;
		if (mark->expires_at < until) {
			mark->expires_at = until;
			memcpy(mark->id, last_of_second, sizeof(mark->id));
		}
	}
	return args.dry_run ? JP_ERR_OK : save_state(notify);
}

static enum jp_err
check_policy(const struct jp_policy *policy, struct jp_why *why)
{
	if (policy->notify_len == 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "there is no threshold: set [tokens] notify_at, for "
		    "example to 30d, 7d, 1d");
	if (policy->notify_command[0] == '\0' && !args.dry_run)
		return jp_why(why, JP_ERR_CONFIG,
		    "there is no command: set [tokens] notify_command");
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct notify notify = { .context = context,
		.policy = &context->settings.policy,
		.now = jp_clock_now(&jp_system_clock),
		.fd = -1,
		.why = &why };
	enum jp_err err = context_load(context, &why);
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	if (err == JP_ERR_OK)
		err = check_policy(notify.policy, &why);
	if (err == JP_ERR_OK)
		err = open_state(&notify);
	if (err == JP_ERR_OK)
		err = gather(&notify, context);
	if (err == JP_ERR_OK)
		err = tell_all(&notify);
	if (notify.fd >= 0)
		(void)close(notify.fd);
	free(notify.soon);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	return notify.failed == 0 ? STATUS_DONE : STATUS_NO;
}

const struct command cmd_notify = {
	.name = "notify",
	.synopsis = "[OPTION]...",
	.help = "run notify_command for tokens that end soon, once each",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.prints = true,
	.args = &args,
	.run = run,
};
