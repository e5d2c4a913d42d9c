#include "pat_httpd/conns.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/sys/log.h"

enum jp_err
conns_make(struct conns *conns, size_t max, size_t max_per_uid)
{
	*conns = (struct conns){ .max = max, .max_per_uid = max_per_uid };
	conns->uids = calloc(max, sizeof(*conns->uids));
	return conns->uids != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

void
conns_free(struct conns *conns)
{
	free(conns->uids);
	conns->uids = NULL;
}

/* Few users ask: a list is enough. `uid_len` if it is not there. */
static size_t
uid_at(const struct conns *conns, uid_t uid)
{
	size_t i = 0;

	while (i < conns->uid_len && conns->uids[i].uid != uid)
		i++;
	return i;
}

const char *
conns_objection(const struct conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	if (conns->len >= conns->max)
		return "max_connections reached";
	if (i < conns->uid_len && conns->uids[i].len >= conns->max_per_uid)
		return "max_per_uid reached";
	return NULL;
}

void
conns_add(struct conns *conns, struct conn *conn)
{
	size_t i = uid_at(conns, conn->uid);

	if (i == conns->uid_len)
		conns->uids[conns->uid_len++] =
		    (struct conns_of_uid){ conn->uid, 0 };
	conns->uids[i].len++;
	conns->len++;
	conn->conns = conns;
	conn->next = conns->first;
	if (conn->next != NULL)
		conn->next->link = &conn->next;
	conn->link = &conns->first;
	conns->first = conn;
}

void
conns_remove(struct conn *conn)
{
	struct conns *conns = conn->conns;
	size_t i = uid_at(conns, conn->uid);

	*conn->link = conn->next;
	if (conn->next != NULL)
		conn->next->link = conn->link;
	if (--conns->uids[i].len == 0)
		conns->uids[i] = conns->uids[--conns->uid_len];
	conns->len--;
	if (conns->draining && conns->len == 0)
		conns->drained(conns);
}

/* Refused connections could fill a log. */
void
conns_log_refused(struct conns *conns, uid_t uid, const char *reason)
{
	enum { PAUSE_MS = 1000 };
	int64_t now = jp_now_ms();
	char who[32] = "a TCP client";

	if (now < conns->log_ms) {
		conns->unlogged++;
		return;
	}
	if (uid != CONN_NO_UID)
		(void)snprintf(who, sizeof(who), "uid %u", (unsigned int)uid);
	jp_log(LOG_WARNING, "refused %s: %s (and %u before)", who, reason,
	    conns->unlogged);
	conns->log_ms = now + PAUSE_MS;
	conns->unlogged = 0;
}

/* Each may go while it is visited. */
static void
each(struct conns *conns, bool ends)
{
	struct conn *next;

	for (struct conn *conn = conns->first; conn != NULL; conn = next) {
		next = conn->next;
		if (ends)
			conn->end(conn);
		else
			conn->drain(conn);
	}
}

void
conns_drain(struct conns *conns)
{
	conns->draining = true;
	if (conns->len == 0)
		conns->drained(conns);
	else
		each(conns, false);
}

void
conns_end(struct conns *conns)
{
	each(conns, true);
}
