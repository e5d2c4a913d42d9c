#include "common/cluster/lease.h"

#include <string.h>

enum {
	RENEWALS = 3, /* a lease is renewed so often while it lasts */
	DRIFT = 100,  /* clocks of two hosts differ by less than one in so
	                 many */
};

/* ---- the lease of this host ---- */

void
jp_lease_init(struct jp_lease *lease, int64_t lease_ms)
{
	*lease = (struct jp_lease){ .lease_ms = lease_ms,
		.until_ms = INT64_MIN,
		.last_asked_ms = INT64_MIN };
}

/* A free slot, or that of the oldest request. */
static struct jp_lease_asked *
slot_of(struct jp_lease *lease)
{
	struct jp_lease_asked *slot = &lease->asked[0];

	for (size_t i = 1; slot->used && i < JP_LEASE_ASKED_MAX; i++)
		if (!lease->asked[i].used ||
		    lease->asked[i].asked_ms < slot->asked_ms)
			slot = &lease->asked[i];
	return slot;
}

void
jp_lease_ask(struct jp_lease *lease, uint32_t req, int64_t now_ms)
{
	if (now_ms < 0)
		return; /* without a clock it is worth nothing */
	*slot_of(lease) = (struct jp_lease_asked){
		.used = true, .req = req, .asked_ms = now_ms
	};
	lease->last_asked_ms = now_ms;
}

void
jp_lease_grant(
    struct jp_lease *lease, uint32_t req, uint64_t head, uint64_t applied)
{
	for (size_t i = 0; i < JP_LEASE_ASKED_MAX; i++) {
		struct jp_lease_asked *asked = &lease->asked[i];

		if (asked->used && !asked->granted && asked->req == req) {
			asked->granted = true;
			asked->head = head;
		}
	}
	jp_lease_applied(lease, applied);
}

/* When one that was asked for then is over, for its holder. */
static int64_t
own_end(const struct jp_lease *lease, int64_t asked_ms)
{
	return asked_ms + lease->lease_ms - lease->lease_ms / DRIFT;
}

/* One that counts already changes nothing when it is looked at again. */
void
jp_lease_applied(struct jp_lease *lease, uint64_t applied)
{
	for (size_t i = 0; i < JP_LEASE_ASKED_MAX; i++) {
		const struct jp_lease_asked *asked = &lease->asked[i];
		int64_t end_ms = own_end(lease, asked->asked_ms);

		if (!asked->granted || asked->head > applied)
			continue;
		if (lease->until_ms < end_ms)
			lease->until_ms = end_ms;
	}
}

void
jp_lease_forget(struct jp_lease *lease)
{
	memset(lease->asked, 0, sizeof(lease->asked));
	lease->last_asked_ms = INT64_MIN;
}

void
jp_lease_drop(struct jp_lease *lease)
{
	jp_lease_init(lease, lease->lease_ms);
}

bool
jp_lease_holds(const struct jp_lease *lease, int64_t now_ms)
{
	return now_ms >= 0 && now_ms < lease->until_ms;
}

int64_t
jp_lease_due_ms(const struct jp_lease *lease)
{
	return lease->last_asked_ms == INT64_MIN
	           ? INT64_MIN
	           : lease->last_asked_ms + lease->lease_ms / RENEWALS;
}

/* ---- what is known of the others ---- */

static const struct jp_link_node *
node_of(const struct jp_link_nodes *nodes, const char *name)
{
	for (size_t i = 0; i < nodes->len; i++)
		if (strcmp(nodes->of[i].name, name) == 0)
			return &nodes->of[i];
	return NULL;
}

static struct jp_peer *
peer_of(const struct jp_peers *peers, const char *name)
{
	for (size_t i = 0; i < peers->len; i++)
		if (strcmp(peers->of[i].name, name) == 0)
			return (struct jp_peer *)(uintptr_t)&peers->of[i];
	return NULL;
}

/* Who is not among the nodes, but may have a lease yet. */
static bool
lingers(const struct jp_peer *peer, const struct jp_link_nodes *nodes,
    int64_t now_ms)
{
	return node_of(nodes, peer->name) == NULL && peer->until_ms > now_ms;
}

/* Leaves those that are nodes, and those that linger. */
static void
drop_the_gone(
    struct jp_peers *peers, const struct jp_link_nodes *nodes, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < peers->len; i++) {
		struct jp_peer *peer = &peers->of[i];

		peer->gone = node_of(nodes, peer->name) == NULL;
		peer->left |= peer->gone;
		if (!peer->gone || peer->until_ms > now_ms)
			peers->of[kept++] = *peer;
	}
	peers->len = kept;
}

/*
 * Whoever had it, or one before it, has ended. Not where a later one was seen
 * already: a reading may be late.
 */
static bool
is_given_back(const struct jp_peer *peer, const struct jp_link_node *node)
{
	return node->lease_ms == 0 && node->grants > 0 &&
	       node->grants == peer->newest;
}

/*
 * All leases up to a value of `grants` are over when the longest of them has
 * passed since it was first seen. That of an earlier one may be longer.
 */
static void
take_node(
    struct jp_peers *peers, const struct jp_link_node *node, int64_t now_ms)
{
	struct jp_peer *peer = peer_of(peers, node->name);
	int64_t end_ms = now_ms + node->lease_ms + node->lease_ms / DRIFT;

	if (peer == NULL) {
		peer = &peers->of[peers->len++];
		*peer = (struct jp_peer){ .until_ms = end_ms };
		memcpy(peer->name, node->name, sizeof(peer->name));
	}
	if (peer->grants != node->grants && peer->until_ms < end_ms)
		peer->until_ms = end_ms;
	if (peer->newest < node->grants)
		peer->newest = node->grants;
	if (is_given_back(peer, node) && peer->until_ms > now_ms)
		peer->until_ms = now_ms;
	peer->grants = node->grants;
	peer->applied = node->applied;
	peer->left = node->gone;
}

enum jp_err
jp_peers_take(
    struct jp_peers *peers, const struct jp_link_nodes *nodes, int64_t now_ms)
{
	size_t len = nodes->len;

	if (now_ms < 0)
		return JP_ERR_IO;
	for (size_t i = 0; i < peers->len; i++)
		len += lingers(&peers->of[i], nodes, now_ms);
	if (len > JP_LEASE_PEERS_MAX)
		return JP_ERR_OVERLOAD;
	drop_the_gone(peers, nodes, now_ms);
	for (size_t i = 0; i < nodes->len; i++)
		take_node(peers, &nodes->of[i], now_ms);
	peers->head = nodes->head;
	return JP_ERR_OK;
}

/* ---- waiting for all of them ---- */

void
jp_barrier_start(struct jp_barrier *barrier, uint64_t seq)
{
	memset(barrier, 0, sizeof(*barrier));
	barrier->seq = seq;
}

static bool
has_applied(const struct jp_peer *peer, uint64_t seq)
{
	return peer != NULL && !peer->gone && peer->applied >= seq;
}

/* Those who had a lease when the batch came may have it until then. */
static void
begin(struct jp_barrier *barrier, const struct jp_peers *peers,
    const char *self, int64_t now_ms)
{
	for (size_t i = 0; i < peers->len; i++) {
		const struct jp_peer *peer = &peers->of[i];
		struct jp_barrier_peer *one = &barrier->of[barrier->len];

		if (strcmp(peer->name, self) == 0 ||
		    has_applied(peer, barrier->seq) || peer->until_ms <= now_ms)
			continue;
		memcpy(one->name, peer->name, sizeof(one->name));
		one->until_ms = peer->until_ms;
		barrier->len++;
	}
	barrier->begun = true;
}

static void
note_late(
    struct jp_barrier *barrier, const char *name, const struct jp_peer *peer)
{
	struct jp_barrier_late *late = &barrier->late[barrier->late_len];

	if (barrier->late_len == JP_LINK_NODES_MAX)
		return;
	memcpy(late->name, name, sizeof(late->name));
	late->left = peer == NULL || peer->left;
	barrier->late_len++;
}

/* Whether this one need not be waited for any more. */
static bool
is_done(struct jp_barrier *barrier, const struct jp_barrier_peer *one,
    const struct jp_peers *peers, int64_t now_ms)
{
	const struct jp_peer *peer = peer_of(peers, one->name);

	if (has_applied(peer, barrier->seq))
		return true;
	if (one->until_ms <= now_ms) {
		note_late(barrier, one->name, peer);
		return true;
	}
	/* Sooner only where it was given back: nobody was waited for. */
	return peer == NULL || peer->until_ms <= now_ms;
}

bool
jp_barrier_look(struct jp_barrier *barrier, const struct jp_peers *peers,
    const char *self, int64_t now_ms)
{
	size_t left = 0;

	if (barrier->seq == 0)
		return true;
	if (!barrier->begun && peers->head < barrier->seq)
		return false;
	if (!barrier->begun)
		begin(barrier, peers, self, now_ms);
	for (size_t i = 0; i < barrier->len; i++)
		if (!is_done(barrier, &barrier->of[i], peers, now_ms))
			barrier->of[left++] = barrier->of[i];
	barrier->len = left;
	return left == 0;
}

int64_t
jp_barrier_next_ms(const struct jp_barrier *barrier)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < barrier->len; i++)
		if (barrier->of[i].until_ms < next_ms)
			next_ms = barrier->of[i].until_ms;
	return next_ms;
}
