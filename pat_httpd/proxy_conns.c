#include "pat_httpd/proxy_conns.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/sys/log.h"

enum jp_err
proxy_conns_make(struct proxy_conns *conns, size_t max, size_t max_per_uid)
{
	*conns = (struct proxy_conns){ .max = max, .max_per_uid = max_per_uid };
	conns->uids = calloc(max, sizeof(*conns->uids));
	return conns->uids != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

void
proxy_conns_free(struct proxy_conns *conns)
{
	free(conns->uids);
	conns->uids = NULL;
}

/* Few users ask: a list is enough. `uid_len` if it is not there. */
static size_t
uid_at(const struct proxy_conns *conns, uid_t uid)
{
	size_t i = 0;

	while (i < conns->uid_len && conns->uids[i].uid != uid)
		i++;
	return i;
}

const char *
proxy_conns_objection(const struct proxy_conns *conns, uid_t uid, bool watches)
{
	size_t i = uid_at(conns, uid);

	if (watches && conns->watchers >= PROXY_WATCHERS_MAX)
		return "too many read the metrics";
	if (watches)
		return NULL;
	if (conns->len >= conns->max)
		return "max_connections reached";
	if (i < conns->uid_len && conns->uids[i].len >= conns->max_per_uid)
		return "max_per_uid reached";
	return NULL;
}

static void
count_in(struct proxy_conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	if (i == conns->uid_len)
		conns->uids[conns->uid_len++] =
		    (struct proxy_conns_of_uid){ uid, 0 };
	conns->uids[i].len++;
	if (++conns->len > conns->most)
		conns->most = conns->len;
}

static void
count_out(struct proxy_conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	if (--conns->uids[i].len == 0)
		conns->uids[i] = conns->uids[--conns->uid_len];
	conns->len--;
}

/* Many that have gone leave holes, which malloc(3) would keep until what lies
 * above them goes, too. */
static void
give_back_memory(struct proxy_conns *conns)
{
	enum { MANY = 64 };

	if (conns->most < MANY || conns->len > conns->most / 4)
		return;
	conns->most = conns->len;
	(void)malloc_trim(0);
}

void
proxy_conns_add(struct proxy_conns *conns, struct proxy_conn *conn)
{
	if (conn->watches)
		conns->watchers++;
	else
		count_in(conns, conn->uid);
	conn->conns = conns;
	conn->next = conns->first;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	conn->link = &conns->first;
	conns->first = conn;
}

void
proxy_conns_remove(struct proxy_conn *conn)
{
	struct proxy_conns *conns = conn->conns;

	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	if (conn->watches)
		conns->watchers--;
	else
		count_out(conns, conn->uid);
	give_back_memory(conns);
	if (conns->draining && conns->first == NULL)
		conns->drained(conns);
}

/* Refused connections could fill a log. */
void
proxy_conns_log_refused(
    struct proxy_conns *conns, uid_t uid, const char *reason)
{
	enum { PAUSE_MS = 1000 };
	int64_t now = jp_now_ms();
	char who[32] = "a TCP client";

	if (now < conns->log_ms) {
		conns->unlogged++;
		return;
	}
	if (uid != PROXY_NO_UID)
		(void)snprintf(who, sizeof(who), "uid %u", (unsigned int)uid);
	jp_log(LOG_WARNING, "refused %s: %s (and %u before)", who, reason,
	    conns->unlogged);
	conns->log_ms = now + PAUSE_MS;
	conns->unlogged = 0;
}

/* Each may go while it is visited. */
static void
each(struct proxy_conns *conns, bool ends)
{
	struct proxy_conn *next;

	for (struct proxy_conn *conn = conns->first; conn != NULL;
	     conn = next) {
		next = conn->next;
		if (ends)
			conn->end(conn);
		else
			conn->drain(conn);
	}
}

void
proxy_conns_drain(struct proxy_conns *conns)
{
	conns->draining = true;
	if (conns->first == NULL)
		conns->drained(conns);
	else
		each(conns, false);
}

void
proxy_conns_end(struct proxy_conns *conns)
{
	each(conns, true);
}
