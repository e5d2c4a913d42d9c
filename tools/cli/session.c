#include "tools/cli/session.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/admin/wire.h"
#include "common/decide/open.h"
#include "common/sys/process.h"
#include "common/wire/client.h"
#include "common/store/bdb.h"

enum {
	CONNECT_MS = 5000,
	LOCK_MS = 3000, /* a patd that is just leaving */
	/*
	 * Of patd, between two of its messages: it may copy or look through a
	 * large store meanwhile, and leaves by itself if it is stuck.
	 */
	SILENCE_MS = 900000
};

static enum jp_err
connect_patd(struct session *session, const struct jp_settings *settings,
    struct jp_why *why)
{
	char path[JP_UNIX_PATH_MAX + sizeof("/admin.sock")];
	enum jp_err err;

	(void)snprintf(path, sizeof(path), "%s/admin.sock", settings->run_dir);
	err = jp_client_connect(path, jp_now_ms() + CONNECT_MS, &session->fd);
	if (err == JP_ERR_OK)
		return err;
	session->fd = -1;
	return jp_why(why, err, "%s: %s", path, jp_err_text(err));
}

/* A patd that lives, and whose socket does not, is said to be just that. */
static enum jp_err
explain_lock(const struct jp_settings *settings, struct jp_why *why)
{
	char name[64];
	pid_t pid;

	if (!jp_store_bdb_holder(
	        settings->store_dir, name, sizeof(name), &pid) ||
	    strcmp(name, "patd") != 0)
		return JP_ERR_LOCKED;
	return jp_why(why, JP_ERR_LOCKED,
	    "patd runs (pid %ld), %s/admin.sock is gone: see its log, and "
	    "restart it",
	    (long)pid, settings->run_dir);
}

enum jp_err
session_open(
    struct session *session, struct context *context, struct jp_why *why)
{
	struct jp_why again;
	enum jp_err err = context_load(context, why);

	session->fd = -1;
	if (err != JP_ERR_OK)
		return err;
	jp_actor_name(getuid(), session->actor);
	err = connect_patd(session, &context->settings, why);
	if (err != JP_ERR_MISSING && err != JP_ERR_UNREACHABLE)
		return err;
	context->settings.cache_entries = 0; /* for a moment, it is no use */
	err = jp_core_open(
	    &session->core, &context->settings, "pat-admin", LOCK_MS, why);
	/* A patd that was just starting has taken the store and listens now. */
	if (err == JP_ERR_LOCKED &&
	    connect_patd(session, &context->settings, &again) == JP_ERR_OK)
		err = JP_ERR_OK;
	return err == JP_ERR_LOCKED ? explain_lock(&context->settings, why)
	                            : err;
}

bool
session_patd_listens(const struct context *context)
{
	struct session session;
	struct jp_why ignored;
	enum jp_err err = connect_patd(&session, &context->settings, &ignored);

	if (session.fd >= 0)
		(void)close(session.fd);
	return err != JP_ERR_MISSING && err != JP_ERR_UNREACHABLE;
}

void
session_close(struct session *session)
{
	if (session->fd >= 0)
		(void)close(session->fd);
	else
		jp_core_close(&session->core);
}

static enum jp_err
gone(const struct jp_admin_request *request, struct jp_why *why)
{
	return jp_why(why, JP_ERR_UNREACHABLE,
	    "patd went away before it answered, or is of another version than "
	    "this pat-admin: then restart it%s",
	    jp_admin_op_changes(request->op)
	        ? ": the operation may or may not have been done: check with "
	          "`pat-admin list` or `pat-admin user list`"
	        : "");
}

static enum jp_err
send_request(int fd, const struct jp_admin_request *request, struct jp_why *why)
{
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	size_t len = 0;
	enum jp_err err = jp_admin_request_encode(request, bytes, &len);

	if (err != JP_ERR_OK)
		return jp_why(
		    why, err, "cannot ask patd: %s", jp_err_text(err));
	err = jp_wait_fd(fd, POLLOUT, jp_now_ms() + CONNECT_MS);
	if (err == JP_ERR_OK &&
	    send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		err = jp_err_from_errno(errno);
	sodium_memzero(bytes, sizeof(bytes));
	if (err == JP_ERR_UNREACHABLE)
		return gone(request, why);
	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, err, "cannot ask patd: %s", jp_err_text(err));
}

/* One message; a closed connection is JP_ERR_UNREACHABLE. */
static enum jp_err
receive(int fd, uint8_t *bytes, size_t size, size_t *len)
{
	enum jp_err err = jp_wait_fd(fd, POLLIN, jp_now_ms() + SILENCE_MS);
	ssize_t got;

	if (err != JP_ERR_OK)
		return err;
	got = recv(fd, bytes, size, MSG_TRUNC);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR
		           ? JP_ERR_OK /* nothing yet: `len` 0 */
		           : jp_err_from_errno(errno);
	if (got == 0)
		return JP_ERR_UNREACHABLE;
	if ((size_t)got > size)
		return JP_ERR_PROTOCOL;
	*len = (size_t)got;
	return JP_ERR_OK;
}

/* What patd answers, until the end; `result` and `why` are then its. */
static enum jp_err
take_answers(int fd, jp_admin_emit emit, void *arg, enum jp_err *result,
    struct jp_why *why)
{
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_admin_item item;
	enum jp_err err = JP_ERR_OK, refused = JP_ERR_OK;
	bool end = false;

	*result = JP_ERR_OK;
	why->text[0] = '\0';
	while (err == JP_ERR_OK && refused == JP_ERR_OK && !end) {
		size_t len = 0;

		err = receive(fd, bytes, sizeof(bytes), &len);
		if (err != JP_ERR_OK || len == 0)
			continue;
		err = jp_admin_answer_decode(
		    bytes, len, &end, &item, result, why);
		if (err == JP_ERR_OK && !end)
			refused = emit(arg, &item);
	}
	sodium_memzero(&item, sizeof(item));
	sodium_memzero(bytes, sizeof(bytes));
	if (err == JP_ERR_OK && refused != JP_ERR_OK)
		*result = refused;
	return err;
}

/* Where `why` says what is wrong with it, another version has done nothing. */
static enum jp_err
bad_answer(
    const struct jp_admin_request *request, enum jp_err err, struct jp_why *why)
{
	struct jp_why said = *why;

	if (said.text[0] != '\0' && err == JP_ERR_PROTOCOL)
		return err;
	return jp_why(why, err, "the answer of patd: %s%s",
	    said.text[0] != '\0' ? said.text : jp_err_text(err),
	    jp_admin_op_changes(request->op)
	        ? ": check with `pat-admin list` or `pat-admin user list` what "
	          "was done"
	        : "");
}

static enum jp_err
run_in_patd(struct session *session, const struct jp_admin_request *request,
    jp_admin_emit emit, void *arg, struct jp_why *why)
{
	enum jp_err result = JP_ERR_OK;
	enum jp_err err = send_request(session->fd, request, why);

	if (err != JP_ERR_OK)
		return err;
	err = take_answers(session->fd, emit, arg, &result, why);
	if (err == JP_ERR_OK)
		return result;
	if (err == JP_ERR_UNREACHABLE)
		return gone(request, why);
	return bad_answer(request, err, why);
}

/* It is done; this is why it took so long. */
static void
say_waited(struct jp_why *why)
{
	if (why->text[0] != '\0')
		fprintf(stderr, "pat-admin: %s\n", why->text);
	jp_why_clear(why);
}

enum jp_err
session_run(struct session *session, const struct jp_admin_request *request,
    jp_admin_emit emit, void *arg, struct jp_why *why)
{
	enum jp_err err = session->fd >= 0
	                      ? run_in_patd(session, request, emit, arg, why)
	                      : jp_admin_execute(&session->core, session->actor,
	                            request, emit, arg, why);

	if (err == JP_ERR_OK)
		say_waited(why);
	return err;
}

enum status
session_once(struct context *context, const struct jp_admin_request *request,
    jp_admin_emit emit, void *arg)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = session_open(&session, context, &why);

	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	err = session_run(&session, request, emit, arg, &why);
	session_close(&session);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}
