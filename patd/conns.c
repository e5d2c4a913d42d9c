#include "patd/conns.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "patd/pool.h"

bool
conns_make(struct conns *conns, size_t max)
{
	*conns = (struct conns){ .max = max };
	halves_init(&conns->halves);
	conns->at = calloc(max, sizeof(*conns->at));
	conns->uids = calloc(max + CONNS_FURTHER_MAX, sizeof(*conns->uids));
	if (conns->at == NULL || conns->uids == NULL) {
		conns_free(conns);
		return false;
	}
	for (size_t i = 0; i < max; i++) {
		conns->at[i].fd = -1;
		conns->at[i].next_free = (uint32_t)i + 1; /* max: none */
	}
	return true;
}

void
conns_free(struct conns *conns)
{
	for (size_t i = 0; conns->at != NULL && i < conns->max; i++)
		if (conns->at[i].fd >= 0)
			(void)close(conns->at[i].fd);
	halves_free(&conns->halves);
	free(conns->at);
	free(conns->uids);
	*conns = (struct conns){ 0 };
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

size_t
conns_of(const struct conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	return i < conns->uid_len ? conns->uids[i].len : 0;
}

/* Its place, which is made where need be; there is one for each that counts. */
static size_t
uid_take(struct conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	if (i == conns->uid_len) {
		conns->uids[i].uid = uid;
		conns->uids[i].len = 0;
		conns->uids[i].further = 0;
		conns->uid_len++;
	}
	return i;
}

static void
uid_leave(struct conns *conns, size_t i)
{
	if (conns->uids[i].len == 0 && conns->uids[i].further == 0)
		conns->uids[i] = conns->uids[--conns->uid_len];
}

uint64_t
conns_add(struct conns *conns, int fd, uid_t uid, const struct front *front)
{
	uint32_t place = conns->first_free;
	struct conn *conn = &conns->at[place];

	conns->uids[uid_take(conns, uid)].len++;
	conns->first_free = conn->next_free;
	conns->len++;
	conn->fd = fd;
	conn->uid = uid;
	conn->front = front;
	conn->halves = &conns->halves;
	conn->watched = false;
	conn->alone = conn->ends = false;
	conn->pending_len = 0;
	TAILQ_INIT(&conn->pending);
	return (uint64_t)++conn->generation << 32 | place;
}

struct conn *
conns_find(struct conns *conns, uint64_t key)
{
	size_t place = (uint32_t)key;

	if (place >= conns->max || conns->at[place].fd < 0 ||
	    conns->at[place].generation != key >> 32)
		return NULL;
	return &conns->at[place];
}

bool
conns_have_room(const struct conns *conns, const struct conn *conn)
{
	return conn->pending_len == 0 ||
	       (conn->pending_len < CONN_PENDING_MAX &&
	           conns->further < CONNS_FURTHER_MAX &&
	           conns->uids[uid_at(conns, conn->uid)].further <
	               CONNS_FURTHER_SHARE);
}

void
conns_add_pending(
    struct conns *conns, struct conn *conn, struct pool_item *item)
{
	item->further = conn->pending_len > 0;
	if (item->further) {
		conns->further++;
		conns->uids[uid_at(conns, conn->uid)].further++;
	}
	conns->busy += conn->pending_len++ == 0;
	TAILQ_INSERT_TAIL(&conn->pending, item, of_conn);
}

void
conns_drop_pending(
    struct conns *conns, struct conn *conn, struct pool_item *item)
{
	TAILQ_REMOVE(&conn->pending, item, of_conn);
	conns->busy -= --conn->pending_len == 0;
}

void
conns_release(struct conns *conns, uid_t uid)
{
	size_t i = uid_at(conns, uid);

	conns->further--;
	conns->uids[i].further--;
	uid_leave(conns, i);
}

void
conns_close(struct conns *conns, struct conn *conn)
{
	size_t i = uid_at(conns, conn->uid);

	conns->busy -= conn->pending_len > 0;
	conn->pending_len = 0;
	conns->uids[i].len--;
	uid_leave(conns, i);
	halves_give_back(&conns->halves, conn->half);
	conn->half = NULL;
	(void)close(conn->fd);
	conn->fd = -1;
	conn->next_free = conns->first_free;
	conns->first_free = (uint32_t)(conn - conns->at);
	conns->len--;
}
