#include "patd/admin_service.h"

#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include "common/admin/wire.h"
#include "common/base/clock.h"
#include "common/sys/cond.h"
#include "common/sys/log.h"
#include "common/admin/self_service.h"
#include "common/decide/throttle.h"
#include "common/sys/process.h"
#include "common/sys/socket_io.h"
#include "patd/front.h"

enum {
	IDLE_S = 30,
	SEND_S = 10,
	GRACE_MS = 500, /* for threads whose connection was cut */
};

/*
 * New tokens of one user in self-service: so many in a row, then one in 15
 * minutes. Each leaves a record and lines in the trail, also when it is revoked
 * at once. A revocation is never limited: there are no more of them than there
 * were tokens, and one may be urgent.
 */
#define SELF_BURST 20
#define SELF_REFILL_MS INT64_C(900000)

/* The front of admin.sock. */
const struct front front_admin = {
	.code = JP_FRONT_ADMIN,
	.type = SOCK_SEQPACKET,
	.file = "admin.sock",
	.mode = 0600,
	.group_mode = 0660,
	.open_mode = 0666,
	.administers = true,
};

struct slot {
	struct admin_service *service;
	int fd; /* -1: free */
	uid_t uid;
	enum jp_peer peer;
};

struct admin_service {
	struct jp_core *core;
	struct maintenance *maintenance;
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t ended;
	size_t busy;
	bool stopping;
	struct jp_throttle new_tokens;
	struct jp_self_rules rules;
	struct slot slots[ADMIN_MAX];
};

/* What one connection needs; secrets pass through all of it. */
struct talk {
	int fd;
	char account[JP_ACTOR_MAX + 1];
	struct jp_asker asker;
	struct jp_self_rules rules; /* at the time of the request */
	struct jp_permit permit;
	struct jp_admin_request request;
	uint8_t in[JP_ADMIN_MSG_MAX];
	uint8_t out[JP_ADMIN_MSG_MAX];
};

static enum jp_err
send_out(struct talk *talk, size_t len)
{
	ssize_t sent = jp_send(talk->fd, talk->out, len, 0);

	explicit_bzero(talk->out, len);
	return sent == (ssize_t)len ? JP_ERR_OK : JP_ERR_UNREACHABLE;
}

static enum jp_err
emit(void *arg, const struct jp_admin_item *item)
{
	struct talk *talk = arg;
	size_t len;
	enum jp_err err = jp_admin_item_encode(item, talk->out, &len);

	return err == JP_ERR_OK ? send_out(talk, len) : err;
}

/*
 * Receives one request, parts of which may point into `in`; any error ends the
 * connection.
 */
static enum jp_err
receive(struct talk *talk, struct jp_why *why)
{
	enum jp_err err = JP_ERR_TOO_LONG;
	ssize_t len = jp_recv(talk->fd, talk->in, sizeof(talk->in), MSG_TRUNC);

	if (len <= 0)
		return JP_ERR_UNREACHABLE;
	if ((size_t)len <= sizeof(talk->in))
		err = jp_admin_request_decode(
		    &talk->request, talk->in, (size_t)len, why);
	if (err != JP_ERR_OK)
		jp_log(LOG_DEBUG, "admin: bad message: %s", jp_err_name(err));
	return err;
}

/* By the name, whoever speaks for that user. */
static enum jp_err
take_new_token(
    struct admin_service *service, const char *owner, struct jp_why *why)
{
	char text[JP_WHEN_TEXT_MAX];
	int64_t wait_ms, minutes;

	pthread_mutex_lock(&service->mutex);
	wait_ms = jp_throttle_take(
	    &service->new_tokens, owner, strlen(owner), jp_now_ms());
	pthread_mutex_unlock(&service->mutex);
	if (wait_ms == 0)
		return JP_ERR_OK;
	minutes = (wait_ms + 59999) / 60000;
	jp_duration_format(60 * minutes, text);
	return jp_why_refusal(why, JP_ERR_REFUSED, JP_REFUSAL_TOO_FAST,
	    "you have made many tokens in a short time: try again in %s", text);
}

static void
give_back_new_token(struct admin_service *service, const char *owner)
{
	pthread_mutex_lock(&service->mutex);
	jp_throttle_give_back(&service->new_tokens, owner, strlen(owner));
	pthread_mutex_unlock(&service->mutex);
}

/* What was refused was not written either. */
static bool
wrote_nothing(enum jp_err err)
{
	return err == JP_ERR_INVALID || err == JP_ERR_REFUSED ||
	       err == JP_ERR_NOT_FOUND;
}

static void
read_rules(struct admin_service *service, struct jp_self_rules *rules)
{
	pthread_mutex_lock(&service->mutex);
	*rules = service->rules;
	pthread_mutex_unlock(&service->mutex);
}

/* What may be asked for is decided anew for each request. */
static enum jp_err
execute(struct admin_service *service, struct talk *talk, struct jp_why *why)
{
	const struct jp_admin_request *request = &talk->request;
	struct jp_permit *permit = &talk->permit;
	enum jp_err err;

	read_rules(service, &talk->rules);
	err = jp_self_service(service->core, &talk->rules, &talk->asker,
	    &talk->request, permit, why);
	if (err == JP_ERR_OK && permit->limited)
		err = take_new_token(service, request->owner, why);
	if (err != JP_ERR_OK)
		return err;
	err = jp_admin_execute(
	    service->core, permit->actor, request, emit, talk, why);
	if (permit->limited && (request->dry_run || wrote_nothing(err)))
		give_back_new_token(service, request->owner);
	return err;
}

/* More or fewer fields than ours, or numbers that we do not know. */
static bool
is_other_version(enum jp_err err)
{
	return err == JP_ERR_PROTOCOL || err == JP_ERR_TRUNCATED ||
	       err == JP_ERR_TRAILING || err == JP_ERR_NEWER;
}

/*
 * A request of another version: its sender learns that, and no more. What is
 * merely wrong gets no answer, for no pat-admin sends it.
 */
static void
refuse(struct talk *talk, enum jp_err err, struct jp_why *why)
{
	size_t len;

	if (!is_other_version(err))
		return;
	if (talk->asker.peer == JP_PEER_HTTPD)
		(void)jp_why(why, err,
		    "patd %s cannot read this request: pat-httpd is of another "
		    "version; restart both after an upgrade",
		    PACKAGE_VERSION);
	else if (why->text[0] == '\0')
		(void)jp_why(why, err,
		    "patd %s cannot read this request: pat-admin is of another "
		    "version; restart patd after an upgrade",
		    PACKAGE_VERSION);
	if (jp_admin_refusal_encode(
	        talk->in, JP_ERR_PROTOCOL, why, talk->out, &len) == JP_ERR_OK)
		(void)send_out(talk, len);
}

static enum jp_err
serve_one(struct admin_service *service, struct talk *talk)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = receive(talk, &why);
	enum jp_err result;
	size_t len;

	if (err != JP_ERR_OK) {
		refuse(talk, err, &why);
		return err;
	}
	result = execute(service, talk, &why);
	explicit_bzero(&talk->request, sizeof(talk->request));
	explicit_bzero(talk->in, sizeof(talk->in));
	if (result == JP_ERR_DAMAGED || result == JP_ERR_IO)
		maintenance_suspect(service->maintenance);
	err = jp_admin_end_encode(result, &why, talk->out, &len);
	return err == JP_ERR_OK ? send_out(talk, len) : err;
}

static bool
stopping(struct admin_service *service)
{
	bool answer;

	pthread_mutex_lock(&service->mutex);
	answer = service->stopping;
	pthread_mutex_unlock(&service->mutex);
	return answer;
}

static void
free_slot(struct slot *slot)
{
	struct admin_service *service = slot->service;

	pthread_mutex_lock(&service->mutex);
	(void)close(slot->fd);
	slot->fd = -1;
	service->busy--;
	pthread_cond_signal(&service->ended);
	pthread_mutex_unlock(&service->mutex);
}

static void *
serve(void *arg)
{
	struct slot *slot = arg;
	struct talk *talk = calloc(1, sizeof(*talk));

	if (talk != NULL) {
		talk->fd = slot->fd;
		talk->asker =
		    (struct jp_asker){ slot->peer, slot->uid, talk->account };
		jp_actor_name(slot->uid, talk->account);
		while (!stopping(slot->service) &&
		       serve_one(slot->service, talk) == JP_ERR_OK)
			continue;
		explicit_bzero(talk, sizeof(*talk));
		free(talk);
	}
	free_slot(slot);
	return NULL;
}

enum jp_err
admin_service_make(struct admin_service **out, struct jp_core *core,
    struct maintenance *maintenance, const struct jp_settings *settings)
{
	struct admin_service *service = calloc(1, sizeof(*service));

	*out = service;
	if (service == NULL)
		return JP_ERR_NOMEM;
	service->core = core;
	service->maintenance = maintenance;
	service->rules.local = settings->self_service;
	service->rules.front = settings->self;
	jp_throttle_init(&service->new_tokens, SELF_BURST, SELF_REFILL_MS);
	(void)pthread_mutex_init(&service->mutex, NULL);
	jp_cond_init(&service->ended);
	for (size_t i = 0; i < ADMIN_MAX; i++) {
		service->slots[i].service = service;
		service->slots[i].fd = -1;
	}
	return JP_ERR_OK;
}

void
admin_service_set_self(
    struct admin_service *service, const struct jp_self_settings *self)
{
	pthread_mutex_lock(&service->mutex);
	service->rules.front = *self;
	pthread_mutex_unlock(&service->mutex);
}

/* How many connections peers of a kind may have, and one user of them. */
static const struct {
	enum jp_peer as; /* they count together */
	size_t all, own;
} quotas[JP_PEER_COUNT] = {
	[JP_PEER_LOCAL] = { JP_PEER_LOCAL, ADMIN_SELF_MAX, ADMIN_SELF_UID_MAX },
	[JP_PEER_HTTPD] = { JP_PEER_HTTPD, ADMIN_HTTPD_MAX, ADMIN_HTTPD_MAX },
	[JP_PEER_MEMBER] = { JP_PEER_ROOT, ADMIN_ALL_MAX, ADMIN_ALL_MAX },
	[JP_PEER_ROOT] = { JP_PEER_ROOT, ADMIN_ALL_MAX, ADMIN_ALL_MAX },
};
_Static_assert(ADMIN_ALL_MAX + ADMIN_HTTPD_MAX <= ADMIN_MAX,
    "administrators do not lock pat-httpd out");
_Static_assert(ADMIN_SELF_MAX + ADMIN_HTTPD_MAX < ADMIN_MAX,
    "nobody locks administrators out");

static bool
has_room(const struct admin_service *service, enum jp_peer peer, uid_t uid)
{
	size_t all = 0, own = 0;

	for (size_t i = 0; i < ADMIN_MAX; i++) {
		const struct slot *slot = &service->slots[i];
		bool same =
		    slot->fd >= 0 && quotas[slot->peer].as == quotas[peer].as;

		all += same;
		own += same && slot->uid == uid;
	}
	return all < quotas[peer].all && own < quotas[peer].own;
}

static struct slot *
take_slot(struct admin_service *service, int fd, uid_t uid, enum jp_peer peer)
{
	struct slot *slot = NULL;
	bool room;

	pthread_mutex_lock(&service->mutex);
	room = has_room(service, peer, uid);
	for (size_t i = 0; room && slot == NULL && i < ADMIN_MAX; i++)
		if (service->slots[i].fd < 0)
			slot = &service->slots[i];
	if (slot != NULL) {
		slot->fd = fd;
		slot->uid = uid;
		slot->peer = peer;
		service->busy++;
	}
	pthread_mutex_unlock(&service->mutex);
	return slot;
}

static bool
may_connect(struct admin_service *service, enum jp_peer peer)
{
	bool may;

	pthread_mutex_lock(&service->mutex);
	may = jp_self_may_connect(&service->rules, peer);
	pthread_mutex_unlock(&service->mutex);
	return may;
}

enum jp_err
admin_service_take(
    struct admin_service *service, int fd, uid_t uid, enum jp_peer peer)
{
	const struct timeval idle = { .tv_sec = IDLE_S };
	const struct timeval slow = { .tv_sec = SEND_S };
	bool may = may_connect(service, peer);
	struct slot *slot = may ? take_slot(service, fd, uid, peer) : NULL;
	pthread_t thread;

	if (slot == NULL) {
		(void)close(fd);
		return may ? JP_ERR_OVERLOAD : JP_ERR_REFUSED;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slow, sizeof(slow));
	if (pthread_create(&thread, NULL, serve, slot) != 0) {
		free_slot(slot);
		return JP_ERR_OVERLOAD;
	}
	(void)pthread_detach(thread);
	return JP_ERR_OK;
}

/* SHUT_RD ends those that wait for a request, and leaves answers their way. */
static void
shut_all(struct admin_service *service, int how)
{
	for (size_t i = 0; i < ADMIN_MAX; i++)
		if (service->slots[i].fd >= 0)
			(void)shutdown(service->slots[i].fd, how);
}

static void
wait_ended(struct admin_service *service, int64_t deadline_ms)
{
	while (service->busy > 0 && jp_cond_wait_until(&service->ended,
	                                &service->mutex, deadline_ms))
		continue;
}

bool
admin_service_stop(struct admin_service *service, int64_t deadline_ms)
{
	bool ended;

	pthread_mutex_lock(&service->mutex);
	service->stopping = true;
	shut_all(service, SHUT_RD);
	wait_ended(service, deadline_ms);
	shut_all(service, SHUT_RDWR);
	wait_ended(service, jp_now_ms() + GRACE_MS);
	ended = service->busy == 0;
	pthread_mutex_unlock(&service->mutex);
	if (!ended)
		return false;
	(void)pthread_cond_destroy(&service->ended);
	(void)pthread_mutex_destroy(&service->mutex);
	free(service);
	return true;
}
