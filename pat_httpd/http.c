#include "pat_httpd/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/config/httpd_settings.h"
#include "common/sys/socket_io.h"
#include "pat_httpd/http_ask.h"
#include "pat_httpd/metrics.h"
#include "pat_httpd/self/serve.h"

enum {
	IDLE_MS = 75000, /* until the first line of another request */
	HEAD_MS = 5000,  /* until that of the first; and from a first line until
	                    its head is complete */
	BODY_MS =
	    10000,      /* from there until its body is, which the site reads */
	SEND_MS = 5000, /* for an answer to be taken */
	POOL = 36864,   /* bytes of the library for each head; it maps what is
	                   above 32 KiB, so that only what is used counts */
};

/* The library, for all connections. */
struct http {
	struct service *service;
	struct MHD_Daemon *daemon;
	struct reactor_watch watch; /* of its own epoll(7) */
	struct reactor_duty duty;
	struct http_conn *coming; /* it is being told of that one */
};

/* Where a request is. */
enum phase {
	PHASE_NONE,     /* there is none, or its head is not complete */
	PHASE_HEAD,     /* its head was seen; it has no body */
	PHASE_VISIT,    /* the same of one for the site; its body comes */
	PHASE_ASKING,   /* patd; the library leaves it alone */
	PHASE_ANSWERED, /* by patd */
	PHASE_SENDING,
	PHASE_ENDING, /* the connection is to go at once */
};

struct http_conn {
	struct proxy_conn conn;
	struct service *service;
	const struct jp_listener *listener;
	int fd; /* the library's */
	struct MHD_Connection *library;
	struct reactor_timer timer;
	enum phase phase;
	size_t target_len; /* of the target as it came */
	bool query;        /* it had one, which the library has cut off */
	struct authorization authorization;
	char *target; /* as it came, of a request for the site; else NULL */
	struct visit *visit;       /* of such a request */
	bool last;                 /* no other request can follow that one */
	struct reactor_watch peer; /* while a visit asks: it may go; else -1 */
};

static void
arm(struct http_conn *conn, int ms)
{
	struct reactor *reactor = &conn->service->reactor;

	reactor_arm(reactor, &conn->timer, reactor->now_ms + ms);
}

/* The library has something to do. */
static void
hurry(struct http *http)
{
	reactor_later(&http->service->reactor, &http->duty);
}

/* Of a connection that is not asking: the library sees the end, and closes. */
static void
hang_up(struct http_conn *conn)
{
	(void)shutdown(conn->fd, SHUT_RDWR);
}

/* ---- answers ---- */

/* The library takes no value that is empty. White space around a value is no
 * part of it (RFC 9110 section 5.5). */
static const char *
field_value(const struct answer_field *field)
{
	return field->value[0] != '\0' ? field->value : " ";
}

static bool
add_fields(struct MHD_Response *response, const struct http_conn *conn)
{
	const struct jp_settings *settings = conn->service->authorizer.settings;
	struct answer_field fields[ANSWER_FIELDS_MAX];
	size_t len = answer_fields(&conn->authorization.answer,
	    ANSWER_NAMES_HTTP, settings->httpd.user_header, fields);
	bool added = true;

	for (size_t i = 0; i < len; i++)
		added &= MHD_add_response_header(response, fields[i].name,
		             field_value(&fields[i])) == MHD_YES;
	if (conn->authorization.answer.body)
		added &= MHD_add_response_header(response,
		             MHD_HTTP_HEADER_CONTENT_TYPE,
		             "application/problem+json") == MHD_YES;
	if (conn->service->conns.draining)
		added &= MHD_add_response_header(response,
		             MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
	return added;
}

/* The fields that the library does not add itself; NULL: no memory. */
static struct MHD_Response *
make_response(struct http_conn *conn)
{
	struct answer *answer = &conn->authorization.answer;
	struct MHD_Response *response;
	size_t len = 0;
	char *body = answer_body(answer, &len);

	answer->body = body != NULL;
	response =
	    MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(body);
		return NULL;
	}
	if (add_fields(response, conn))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* The library has the answer; MHD_NO closes the connection. */
static enum MHD_Result
send_off(
    struct http_conn *conn, unsigned int status, struct MHD_Response *response)
{
	enum MHD_Result queued;

	conn->phase = PHASE_SENDING;
	arm(conn, SEND_MS);
	queued = MHD_queue_response(conn->library, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result
reply(struct http_conn *conn)
{
	enum answer_kind kind = conn->authorization.answer.kind;
	struct MHD_Response *response = make_response(conn);

	answer_clear(&conn->authorization.answer);
	if (response == NULL)
		return MHD_NO;
	counts_answer(&conn->service->counts, conn->listener->protocol, kind,
	    conn->authorization.asked_ns);
	conn->authorization.asked_ns = 0;
	return send_off(conn, answer_status(kind), response);
}

static enum MHD_Result
reply_with(struct http_conn *conn, enum answer_kind kind)
{
	conn->authorization.answer.kind = kind;
	return reply(conn);
}

/* ---- the site ---- */

static bool
add_header(void *arg, const char *name, const char *value)
{
	return MHD_add_response_header(arg, name, value) == MHD_YES;
}

/* The body stays the visit's, which lives until it has been sent. */
static struct MHD_Response *
make_site_response(const struct http_conn *conn, bool last)
{
	const struct visit *visit = conn->visit;
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(visit->reply_len,
	        (void *)(uintptr_t)visit->reply_text, MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return NULL;
	if (visit_each_header(visit, add_header, response) &&
	    (!last || add_header(response, "Connection", "close")))
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* `last`: nothing that follows on this connection can be trusted. */
static enum MHD_Result
reply_visit(struct http_conn *conn, bool last)
{
	struct MHD_Response *response =
	    make_site_response(conn, last || conn->service->conns.draining);

	if (response == NULL)
		return MHD_NO;
	visit_count(conn->visit);
	return send_off(conn, conn->visit->status, response);
}

static void
end_visit(struct http_conn *conn)
{
	if (conn->peer.fd >= 0)
		reactor_remove(&conn->service->reactor, &conn->peer);
	conn->peer.fd = -1;
	visit_free(conn->visit);
	conn->visit = NULL;
	free(conn->target);
	conn->target = NULL;
}

/* The library does not look at a connection that it leaves alone. */
static void
watch_peer(struct http_conn *conn)
{
	/* Over TCP nobody tells a peer that has gone from one that only
	 * listens; clients of HTTP do not do the latter. */
	bool tcp = conn->conn.uid == PROXY_NO_UID;

	conn->peer.fd = conn->fd;
	if (!reactor_add(&conn->service->reactor, &conn->peer,
	        tcp ? (uint32_t)EPOLLRDHUP : 0U))
		conn->peer.fd = -1; /* then it is noticed when it is answered */
}

/* Whoever waits for the answer has gone, or shall go. */
static void
cut(struct http_conn *conn)
{
	bool asking = conn->phase == PHASE_ASKING;

	conn->phase = PHASE_ENDING;
	authorize_forget(&conn->authorization);
	if (asking) /* else the library may still be sending its answer */
		end_visit(conn);
	hang_up(conn);
	if (asking)
		MHD_resume_connection(conn->library);
}

static void
on_peer_gone(struct reactor_watch *watch, uint32_t events)
{
	struct http_conn *conn = REACTOR_OWNER(watch, struct http_conn, peer);

	(void)events;
	cut(conn);
	hurry(conn->service->http);
}

static void
on_visit_done(struct visit *visit)
{
	struct http_conn *conn = visit->arg;

	if (conn->phase != PHASE_ASKING)
		return; /* it is replied to when this returns */
	if (conn->peer.fd >= 0)
		reactor_remove(&conn->service->reactor, &conn->peer);
	conn->peer.fd = -1;
	conn->phase = PHASE_ANSWERED;
	MHD_resume_connection(conn->library);
	hurry(conn->service->http);
}

/* ---- requests ---- */

static enum answer_kind
health(const struct http_conn *conn)
{
	struct service *service = conn->service;

	if (conn->conn.uid == PROXY_NO_UID ||
	    !jp_acl_may_administer(service->acl, conn->fd, conn->conn.uid))
		return ANSWER_NOT_FOUND;
	return patd_link_healthy(&service->link) ? ANSWER_HEALTHY
	                                         : ANSWER_UNAVAILABLE;
}

static enum MHD_Result
reply_metrics(struct http_conn *conn)
{
	struct MHD_Response *response;
	size_t len;
	char *text = metrics_text(conn->service, &len);

	if (text == NULL)
		return MHD_NO;
	response =
	    MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return MHD_NO;
	}
	if (add_header(response, "Content-Type", JP_EXPOSITION_TYPE) &&
	    add_header(response, "Cache-Control", "no-store"))
		return send_off(conn, 200, response);
	MHD_destroy_response(response);
	return MHD_NO;
}

/* On its own listener: nothing else is there. */
static bool
asks_metrics(const struct http_head *head, bool query)
{
	return !query && strcmp(head->target, "/metrics") == 0 &&
	       (strcmp(head->method, "GET") == 0 ||
	           strcmp(head->method, "HEAD") == 0);
}

/* A head that is being gathered. */
struct gathering {
	struct http_head head;
	enum jp_err err;
	size_t shown;     /* bytes of it that what we see accounts for */
	const char *next; /* where the next line begins in memory */
};

static enum MHD_Result
on_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct gathering *gathering = arg;
	size_t len;

	(void)kind;
	if (value != NULL && value < name) { /* so is a line that is folded */
		gathering->err = JP_ERR_INVALID;
		return MHD_NO;
	}
	/* From the name to the end of the line, as it lies in memory. */
	len = (value != NULL ? (size_t)(value - name) : name_len + 1) +
	      value_len + strlen("\r\n");
	gathering->err = http_head_add(&gathering->head, name, name_len,
	    value != NULL ? value : "", value_len);
	if (name != gathering->next)
		gathering->err = JP_ERR_INVALID;
	gathering->next = name + len;
	gathering->shown += len;
	return gathering->err == JP_ERR_OK ? MHD_YES : MHD_NO;
}

/*
 * Whether all of the head was shown. The library cuts at a NUL, joins folded
 * lines to the name and takes a lone LF for a line end, and does not tell: the
 * sum is wrong then, or, where one makes up for another, the place of a line.
 */
static bool
is_whole(struct http_conn *conn, const struct gathering *gathering)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    conn->library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info != NULL && info->header_size == gathering->shown;
}

static void
gather(struct http_conn *conn, const char *method, const char *target,
    struct gathering *gathering)
{
	gathering->err = http_head_start(&gathering->head, method, target);
	gathering->shown =
	    strlen(method) + conn->target_len + strlen("  HTTP/1.1\r\n\r\n");
	gathering->next = target + conn->target_len + strlen(" HTTP/1.1\r\n");
	if (gathering->err == JP_ERR_OK)
		(void)MHD_get_connection_values_n(
		    conn->library, MHD_HEADER_KIND, on_field, gathering);
	if (gathering->err == JP_ERR_OK && !is_whole(conn, gathering))
		gathering->err = JP_ERR_INVALID;
}

/* Only the URI of an original request has one. */
static bool
has_stray_query(const struct http_conn *conn, const struct ask *ask)
{
	return conn->query &&
	       !(conn->listener->source_is_request && ask->uri != NULL);
}

static enum MHD_Result
start(struct http_conn *conn, const char *method, const char *target)
{
	struct answer *answer = &conn->authorization.answer;
	struct gathering gathering;
	struct http_request request;

	gather(conn, method, target, &gathering);
	if (gathering.err != JP_ERR_OK)
		return reply_with(conn, gathering.err == JP_ERR_TOO_LONG
		                            ? ANSWER_TOO_LARGE
		                            : ANSWER_BAD_REQUEST);
	if (conn->listener->protocol == JP_LISTENER_METRICS)
		return asks_metrics(&gathering.head, conn->query)
		           ? reply_metrics(conn)
		           : reply_with(conn, ANSWER_NOT_FOUND);
	http_request_read(&gathering.head, conn->listener, &request);
	if (has_stray_query(conn, &request.ask))
		request.path = HTTP_PATH_NONE;
	if (request.path != HTTP_PATH_AUTH) {
		answer->body = request.ask.body;
		return reply_with(conn, request.path == HTTP_PATH_HEALTH
		                            ? health(conn)
		                            : ANSWER_NOT_FOUND);
	}
	if (authorize(
	        &conn->service->authorizer, &request.ask, &conn->authorization))
		return reply(conn);
	conn->phase = PHASE_ASKING;
	MHD_suspend_connection(conn->library);
	return MHD_YES;
}

/* Whether that field says that there is one. The library reads the first of
 * several lengths only. */
static enum MHD_Result
on_body_field(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	bool *body = arg;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
		*body |= value == NULL || strcmp(value, "0") != 0;
	else
		*body |=
		    strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0 ||
		    strcasecmp(name, MHD_HTTP_HEADER_EXPECT) == 0;
	return MHD_YES;
}

/* Who expects 100 would be told to go on. */
static bool
has_body(const struct http_conn *conn)
{
	bool body = false;

	(void)MHD_get_connection_values(
	    conn->library, MHD_HEADER_KIND, on_body_field, &body);
	return body;
}

/* ---- requests for the site ---- */

/*
 * Closing on bytes that were not read resets the connection, and a proxy then
 * loses the refusal: so a body that is not wanted is read first, unless it is
 * large, or whoever sends it waits for a word.
 */
static bool
skips_body(const struct http_conn *conn)
{
	const char *len = MHD_lookup_connection_value(
	    conn->library, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return MHD_lookup_connection_value(conn->library, MHD_HEADER_KIND,
	           MHD_HTTP_HEADER_EXPECT) == NULL &&
	       (len == NULL || strtoull(len, NULL, 10) <= SITE_SKIPPED_MAX);
}

static enum MHD_Result
begin_visit(struct http_conn *conn, const char *method, const char *target,
    const char *version)
{
	struct gathering gathering;
	struct serve_request request = { .head = &gathering.head,
		.target = conn->target,
		.listener = conn->listener,
		.is_unix = conn->conn.uid != PROXY_NO_UID,
		.uid = conn->conn.uid,
		.old = strcmp(version, "HTTP/1.1") != 0 };

	conn->visit = visit_make(&conn->service->site, on_visit_done);
	if (conn->visit == NULL)
		return MHD_NO;
	conn->visit->arg = conn;
	gather(conn, method, target, &gathering);
	request.err = gathering.err;
	serve_begin(conn->visit, &request);
	conn->phase = PHASE_VISIT;
	arm(conn, BODY_MS);
	/* What was not judged may be no body, but what others call one. */
	conn->last =
	    conn->visit->replied && (has_body(conn) || conn->visit->last);
	if (conn->last && (conn->visit->last || !skips_body(conn) ||
	                      !serve_may_skip(conn->visit)))
		return reply_visit(conn, true);
	return MHD_YES;
}

/* A piece of the body, or its end. */
static enum MHD_Result
go_on_visit(struct http_conn *conn, const char *upload, size_t *upload_len)
{
	struct visit *visit = conn->visit;
	size_t len = *upload_len;

	*upload_len = 0;
	if (len > 0)
		return serve_body(visit, upload, len) ? MHD_YES : MHD_NO;
	/* Fields behind a body are not looked at (RFC 9112 §7.1.2): the library
	 * takes one of the head for such, if it came in small pieces. */
	if (!visit->replied)
		serve_run(visit);
	if (visit->replied)
		return reply_visit(conn, conn->last);
	conn->phase = PHASE_ASKING;
	watch_peer(conn);
	MHD_suspend_connection(conn->library);
	return MHD_YES;
}

/* ---- what the library calls ---- */

/*
 * The library calls this when a head is complete, and again when all was read.
 * Who answers at the first call refuses the body, and the connection ends: so
 * it is done where there may be one, and nowhere else.
 */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *library, const char *target,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    library, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *conn = info->socket_context;

	(void)arg;
	*state = conn;
	switch (conn->phase) {
	case PHASE_NONE:
		if (conn->target != NULL)
			return begin_visit(conn, method, target, version);
		conn->phase = PHASE_HEAD;
		if (!has_body(conn))
			return MHD_YES;
		return start(conn, method, target);
	case PHASE_HEAD:
		return start(conn, method, target);
	case PHASE_VISIT:
		return go_on_visit(conn, upload, upload_len);
	case PHASE_ANSWERED:
		return conn->visit != NULL ? reply_visit(conn, false)
		                           : reply(conn);
	case PHASE_ASKING:
	case PHASE_SENDING:
	case PHASE_ENDING:
		break;
	}
	return MHD_NO;
}

static void
on_done(struct authorization *authorization)
{
	struct http_conn *conn =
	    REACTOR_OWNER(authorization, struct http_conn, authorization);

	conn->phase = PHASE_ANSWERED;
	MHD_resume_connection(conn->library);
	hurry(conn->service->http);
}

/* The first line has come: its head has less time than an idle connection. */
static void *
on_target(void *arg, const char *target, struct MHD_Connection *library)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    library, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *conn = info->socket_context;

	(void)arg;
	end_visit(conn);
	conn->target_len = strlen(target);
	conn->query = strchr(target, '?') != NULL;
	if (conn->listener->protocol == JP_LISTENER_HTTP &&
	    serve_has(&conn->service->site, target)) /* longer ones are known */
		conn->target = strndup(target, SITE_TARGET_MAX + 1);
	arm(conn, HEAD_MS);
	return conn;
}

/* The answer has gone, or never will. */
static void
on_completed(void *arg, struct MHD_Connection *library, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct http_conn *conn = *state;

	(void)arg;
	(void)library;
	(void)code;
	if (conn == NULL)
		return;
	end_visit(conn);
	if (conn->phase == PHASE_ENDING)
		return;
	conn->phase = PHASE_NONE;
	arm(conn, IDLE_MS);
}

/* The path is judged as it came. */
static size_t
leave_encoded(void *arg, struct MHD_Connection *library, char *text)
{
	(void)arg;
	(void)library;
	return strlen(text);
}

/* ---- connections ---- */

static void
forget(struct http_conn *conn)
{
	reactor_disarm(&conn->timer);
	authorize_forget(&conn->authorization);
	end_visit(conn);
	proxy_conns_remove(&conn->conn);
	free(conn);
}

static void
on_connection(void *arg, struct MHD_Connection *library, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct http *http = arg;
	struct http_conn *conn = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		forget(conn);
		return;
	}
	*context = http->coming;
	http->coming->library = library;
	http->coming = NULL;
}

/* The head of an answer that the library does not send. */
struct late {
	size_t len;
	char text[2048];
};

static bool
add_text(void *arg, const char *name, const char *value)
{
	struct late *late = arg;
	size_t room = sizeof(late->text) - late->len;
	int len =
	    snprintf(late->text + late->len, room, "%s: %s\r\n", name, value);

	if (len < 0 || (size_t)len >= room)
		return false;
	late->len += (size_t)len;
	return true;
}

/* Its body has not come in time: the library takes no answer before it has.
 * Nothing else was sent. */
static void
say_late(struct http_conn *conn)
{
	const struct visit *visit = conn->visit;
	struct late late = { 0 };
	struct iovec parts[2] = { { .iov_base = late.text } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	char len[24];

	serve_late(conn->visit);
	visit_count(visit);
	late.len =
	    (size_t)snprintf(late.text, sizeof(late.text), "HTTP/1.1 %u %s\r\n",
	        visit->status, MHD_get_reason_phrase_for(visit->status));
	(void)snprintf(len, sizeof(len), "%zu", visit->reply_len);
	if (!visit_each_header(visit, add_text, &late) ||
	    !add_text(&late, "Content-Length", len) ||
	    !add_text(&late, "Connection", "close\r\n"))
		return;
	parts[0].iov_len = late.len;
	parts[1].iov_base = (void *)(uintptr_t)visit->reply_text;
	if (strcmp(visit_method(visit), "HEAD") != 0)
		parts[1].iov_len = visit->reply_len;
	(void)sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* patd has its own deadline. */
static void
on_due(struct reactor_timer *timer)
{
	struct http_conn *conn = REACTOR_OWNER(timer, struct http_conn, timer);

	if (conn->phase == PHASE_ASKING || conn->phase == PHASE_ANSWERED) {
		arm(conn, SEND_MS);
		return;
	}
	if (conn->phase == PHASE_VISIT)
		say_late(conn);
	hang_up(conn);
}

/* A request that is there already is still answered. */
static void
on_drain(struct proxy_conn *one)
{
	struct http_conn *conn = REACTOR_OWNER(one, struct http_conn, conn);
	char byte;

	if (conn->phase == PHASE_NONE &&
	    jp_recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		hang_up(conn);
}

static void
on_end(struct proxy_conn *one)
{
	cut(REACTOR_OWNER(one, struct http_conn, conn));
}

void
http_take(struct service *service, int fd, uid_t uid,
    const struct jp_listener *listener)
{
	const struct sockaddr nobody = { .sa_family = AF_UNIX };
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		(void)close(fd);
		return;
	}
	conn->conn = (struct proxy_conn){ .uid = uid,
		.watches = listener->protocol == JP_LISTENER_METRICS,
		.drain = on_drain,
		.end = on_end };
	conn->service = service;
	conn->listener = listener;
	conn->fd = fd;
	conn->peer = (struct reactor_watch){ .fd = -1, .ready = on_peer_gone };
	conn->timer.due = on_due;
	conn->authorization.done = on_done;
	proxy_conns_add(&service->conns, &conn->conn);
	arm(conn, HEAD_MS);
	service->http->coming = conn;
	(void)MHD_add_connection(
	    service->http->daemon, fd, &nobody, sizeof(nobody));
	if (service->http->coming != NULL) { /* it has closed it */
		service->http->coming = NULL;
		forget(conn);
	}
	hurry(service->http);
}

/* Before the library has heard of it. */
void
http_refuse(int fd, enum answer_kind kind)
{
#define REFUSAL(line)                                                          \
	"HTTP/1.1 " line "\r\nCache-Control: no-store\r\n"                     \
	"Content-Length: 0\r\nConnection: close\r\n\r\n"
	const char *text = kind == ANSWER_PEER
	                       ? REFUSAL("403 Forbidden")
	                       : REFUSAL("503 Service Unavailable\r\n"
	                                 "Retry-After: 2");

	(void)jp_send(fd, text, strlen(text), MSG_DONTWAIT);
#undef REFUSAL
}

/* ---- the library ---- */

/* It may have more to do than its descriptor says. */
static void
run(struct reactor_duty *duty)
{
	struct http *http = REACTOR_OWNER(duty, struct http, duty);
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) == MHD_YES && ms == 0)
		hurry(http);
}

static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	(void)events;
	hurry(REACTOR_OWNER(watch, struct http, watch));
}

/* One thread: later versions would keep new connections for MHD_run(). */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD 0U
#endif

static struct MHD_Daemon *
start_daemon(struct http *http, unsigned int max)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	                            MHD_ALLOW_SUSPEND_RESUME | ONE_THREAD,
	    0, NULL, NULL, on_request, http, MHD_OPTION_CONNECTION_LIMIT, max,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    http, MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, http, MHD_OPTION_END);
}

enum jp_err
http_make(struct service *service)
{
	enum {
		SPARE = 16 + PROXY_WATCHERS_MAX
	}; /* and some that end while
	      others come */
	struct http *http = calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info;

	if (http == NULL)
		return JP_ERR_NOMEM;
	service->http = http;
	http->service = service;
	http->duty.run = run;
	http->daemon =
	    start_daemon(http, (unsigned int)service->conns.max + SPARE);
	if (http->daemon == NULL)
		return JP_ERR_NOMEM;
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->watch = (struct reactor_watch){ info->epoll_fd, on_ready };
	return reactor_add(&service->reactor, &http->watch, EPOLLIN)
	           ? JP_ERR_OK
	           : JP_ERR_NOMEM;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	if (http->daemon != NULL) {
		(void)MHD_run(http->daemon); /* those that were asking */
		MHD_stop_daemon(http->daemon);
	}
	free(http);
}
