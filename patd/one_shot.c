#include "patd/one_shot.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "common/audit/audit.h"
#include "common/config/confine.h"
#include "common/decide/open.h"
#include "common/wire/client.h"
#include "common/decide/core.h"
#include "common/decide/usage.h"
#include "patd/decision_log.h"
#include "patd/front_verify.h"
#include "common/config/acl.h"
#include "common/sys/process.h"

enum {
	RECEIVE_MS = 3000,
	ANSWER_MS = 2500, /* for the whole: a client waits for three seconds */
	RETRY_MS = 10,
	LEND_MS = 300, /* for the questions of others */
	BACKLOG = 64,
	MEMO_ENTRIES = 16, /* of those questions, who ask for the same */
};

#define LENT_NAME "one-shot.sock"

static uid_t
asker(void)
{
	uid_t uid = (uid_t)-1;

	(void)jp_peer_uid(STDIN_FILENO, &uid);
	return uid;
}

/*
 * Nobody manages tokens through this door: the asker is a module in another
 * program.
 */
static void
limit_access(struct jp_request *request)
{
	if (request->access == JP_ACCESS_SELF)
		request->access = JP_ACCESS_WRITE;
}

static enum jp_err
receive(struct jp_request *request, struct jp_why *why)
{
	enum jp_err err =
	    jp_wait_fd(STDIN_FILENO, POLLIN, jp_now_ms() + RECEIVE_MS);

	if (err == JP_ERR_OK)
		err = verify_receive(STDIN_FILENO, request);
	if (err != JP_ERR_OK)
		return jp_why(why, err, "no question on descriptor 0: %s",
		    jp_err_text(err));
	limit_access(request);
	return JP_ERR_OK;
}

/* What must be logged first, and cannot be, is not an answer. */
static void
log_decision(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	if (jp_audit_decision(core->audit, request, decision, asker(), NULL,
	        NULL) == JP_AUDIT_FAIL)
		jp_decision_refuse(decision, JP_REASON_AUDIT);
}

static enum jp_err
reply(const struct jp_request *request, const struct jp_decision *decision)
{
	decision_log_line(request, decision, asker());
	return verify_send(STDIN_FILENO, request, decision, NULL);
}

/* Written when the core is closed. */
static void
note_use(struct jp_core *core, const struct jp_request *request,
    const struct jp_decision *decision)
{
	if (decision->verdict != JP_ACCEPT &&
	    !jp_reason_proved(decision->reason))
		return;
	if (core->usage == NULL)
		core->usage = jp_usage_make();
	(void)jp_usage_decided(core, request, decision);
}

/* ---- with the store ---- */

static enum jp_err
answer(struct jp_core *core, int fd, const struct jp_request *request)
{
	struct jp_decision decision = { .id = "" };
	bool held = jp_cluster_holds(core->cluster);

	jp_decide_now(core, request, &decision);
	jp_cluster_guard(core->cluster, held, &decision);
	log_decision(core, request, &decision);
	note_use(core, request, &decision);
	decision_log_line(request, &decision, asker());
	return verify_send(fd, request, &decision, NULL);
}

static bool
lent_address(const struct jp_settings *settings, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/" LENT_NAME,
	           settings->store_dir) < (int)sizeof(addr->sun_path);
}

/*
 * Others of this kind that wait for the store meanwhile bring their questions
 * here, into a directory that is closed to everybody else. -1: they have to
 * wait.
 */
static int
lend(const struct jp_settings *settings)
{
	struct sockaddr_un addr;
	int fd;

	if (!lent_address(settings, &addr))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)unlink(addr.sun_path); /* of one that was killed */
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
answer_other(struct jp_core *core, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct jp_request request;

	if (fd < 0)
		return;
	if (jp_wait_fd(fd, POLLIN, jp_now_ms() + LEND_MS) == JP_ERR_OK &&
	    verify_receive(fd, &request) == JP_ERR_OK) {
		limit_access(&request);
		(void)answer(core, fd, &request);
		explicit_bzero(&request, sizeof(request));
	}
	(void)close(fd);
}

/* Those who come too late find the socket gone, and go on waiting. */
static void
answer_others(
    struct jp_core *core, const struct jp_settings *settings, int listener)
{
	struct pollfd wait = { .fd = listener, .events = POLLIN };
	int64_t end = jp_now_ms() + LEND_MS;
	struct sockaddr_un addr;

	if (listener < 0)
		return;
	while (jp_now_ms() < end && poll(&wait, 1, 0) > 0)
		answer_other(core, listener);
	if (lent_address(settings, &addr))
		(void)unlink(addr.sun_path);
	(void)close(listener);
}

static enum jp_err
serve(struct jp_core *core, const struct jp_settings *settings,
    const struct jp_request *request, struct jp_why *why)
{
	int listener = lend(settings);
	enum jp_err err = answer(core, STDIN_FILENO, request);

	if (err != JP_ERR_OK)
		(void)jp_why(why, err, "the client left: %s", jp_err_text(err));
	/* Only now: it takes a moment, and the client waits. */
	answer_others(core, settings, listener);
	jp_core_close(core);
	return err;
}

/* ---- without ---- */

/* JP_ERR_OK: whoever listens at `path` has answered, and so have we. */
static enum jp_err
ask_at(const char *path, const struct jp_request *request, int64_t deadline_ms)
{
	const struct jp_client client = { .socket_path = path,
		.timeout_ms = (int)(deadline_ms - jp_now_ms()) };
	struct jp_request copy = *request;
	struct jp_reply reply;
	enum jp_err err = JP_ERR_TIMEOUT;

	if (client.timeout_ms > 0)
		err = jp_client_ask(&client, &copy, &reply);
	explicit_bzero(&copy, sizeof(copy));
	if (err != JP_ERR_OK)
		return err;
	reply.seq = request->seq;
	return verify_pass(STDIN_FILENO, &reply);
}

/* Asks a patd that has just started, or one of our kind that has the store. */
static enum jp_err
ask_holder(const struct jp_settings *settings, const struct jp_request *request,
    int64_t deadline_ms)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un addr;
	enum jp_err err = JP_ERR_UNREACHABLE;

	if (lent_address(settings, &addr))
		err = ask_at(addr.sun_path, request, deadline_ms);
	if (err != JP_ERR_OK && snprintf(path, sizeof(path), "%s/verify.sock",
	                            settings->run_dir) < (int)sizeof(path))
		err = ask_at(path, request, deadline_ms);
	return err;
}

static enum jp_err
refuse(const struct jp_request *request, enum jp_err err)
{
	struct jp_decision decision = { .id = "" };

	jp_decision_refuse(&decision, JP_REASON_STORE);
	(void)reply(request, &decision);
	return err;
}

/*
 * A store of a cluster is for patd alone. Where a cluster is configured, one
 * that is in none is not what patd would serve: of a host that has left, or an
 * older backup, which knows nothing of what was revoked since.
 */
static enum jp_err
open_core(struct jp_core *core, const struct jp_settings *settings,
    struct jp_why *why)
{
	enum jp_err err =
	    jp_core_open(core, settings, "patd --one-shot", 0, why);

	if (err != JP_ERR_OK || !settings->cluster.configured)
		return err;
	jp_core_close(core);
	return jp_why(why, JP_ERR_CONFIG,
	    "%s has [cluster]: only patd answers here: start it",
	    settings->file);
}

/*
 * A patd that starts goes first, and then answers; what another one of our kind
 * has open serves us, too; a pat-admin leaves soon.
 */
static enum jp_err
decide(const struct jp_settings *settings, const struct jp_request *request,
    struct jp_why *why)
{
	int64_t deadline_ms = jp_now_ms() + ANSWER_MS;
	struct jp_core core;
	enum jp_err err;

	for (;;) {
		err = open_core(&core, settings, why);
		if (err == JP_ERR_OK)
			return serve(&core, settings, request, why);
		if (err != JP_ERR_LOCKED)
			return refuse(request, err);
		if (ask_holder(settings, request, deadline_ms) == JP_ERR_OK)
			return JP_ERR_OK;
		if (jp_now_ms() >= deadline_ms)
			return refuse(request, err);
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/* Before anything of the asker is read; there is one thread. */
static enum jp_err
settle(const struct jp_settings *settings, struct jp_why *why)
{
	struct jp_sandbox sandbox = { .landlock = 0 };
	enum jp_err err;

	jp_confine_root(JP_PROCESS_ONE_SHOT, settings);
	err = jp_become(settings->user, why);
	if (err == JP_ERR_OK)
		err = jp_confine_files(
		    &sandbox, JP_PROCESS_ONE_SHOT, settings, why);
	if (err == JP_ERR_OK)
		err = jp_confine_calls(
		    &sandbox, JP_PROCESS_ONE_SHOT, settings, why);
	return err;
}

enum jp_err
one_shot(const struct jp_settings *settings, struct jp_why *why)
{
	struct jp_settings own = *settings;
	struct jp_request request = { 0 };
	enum jp_err settled = settle(settings, why);
	enum jp_err err = receive(&request, why);

	if (err != JP_ERR_OK)
		return err;
	if (settled != JP_ERR_OK)
		return refuse(&request, settled);
	own.cache_entries = MEMO_ENTRIES;
	err = decide(&own, &request, why);
	explicit_bzero(&request, sizeof(request));
	return err;
}
