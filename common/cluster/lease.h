/*
 * Leases and barriers: only arithmetic, with the time given. It is milliseconds
 * of this host's CLOCK_BOOTTIME (jp_boot_ms()), and is compared with no other
 * host's. Not locked: the replica does that.
 *
 * Why a revocation holds everywhere when it returns. Let L be the length of a
 * host's lease, and batch s the revocation.
 *  1. The host H notes t0, then asks. The database counts the grant (grants of
 *     H becomes g) in a transaction that is ordered against every append by the
 *     lock of the head, and answers with the head h. The lease holds until
 *     t0 + L - L/100 by the clock of H, from the moment on that H has applied
 * h.
 *  2. Whoever appends s reads all `grants` in the same transaction, under the
 *     lock. A grant that is not in what is read comes later, so its h >= s, and
 *     H has applied s before that lease holds.
 *  3. A grant that is in what is read had its t0 before that. The waiter first
 *     saw this value of `grants` at f; t0 was before f, so by f + L + L/100 of
 *     the waiter's clock that lease is over, if no clock is wrong by more than
 *     one part in a hundred.
 *  4. So when H has told that it applied s, or f + L + L/100 has come, H does
 *     not answer yes by what was before s.
 *  5. H that ends gives g back, once it answers nothing any more: it is seen
 *     with a length of 0. All leases up to g were of H, or of somebody before
 *     it, and are over then; a later one has another number.
 * A question asks whether the lease holds *before* it reads the store: the
 * lease may come back between the reading and a later look.
 *
 * What this rests on: the clock goes on while the host does. A virtual machine
 * that is stopped by its hypervisor and goes on later may believe in a lease
 * that is over for as long as was left of it (doc/CLUSTER.md).
 */
#ifndef JP_LEASE_H
#define JP_LEASE_H

#include "common/cluster/link.h"

#define JP_LEASE_DEFAULT_MS 15000

enum {
	JP_LEASE_ASKED_MAX = 4, /* requests and grants that are remembered */
	JP_LEASE_PEERS_MAX = 2 * JP_LINK_NODES_MAX, /* and those just gone */
};

/* ---- the lease of this host ---- */

struct jp_lease {
	int64_t lease_ms;
	int64_t until_ms; /* it holds until then; INT64_MIN: there was none */
	int64_t last_asked_ms;
	struct jp_lease_asked {
		bool used;
		bool granted; /* with `head`: it counts once that is applied */
		uint32_t req;
		int64_t asked_ms; /* t0 */
		uint64_t head;
	} asked[JP_LEASE_ASKED_MAX];
};

void jp_lease_init(struct jp_lease *lease, int64_t lease_ms);

/* Just before the request is sent. Takes the place of the oldest one. */
void jp_lease_ask(struct jp_lease *lease, uint32_t req, int64_t now_ms);

/* It was granted; what is not known as asked for is ignored. */
void jp_lease_grant(
    struct jp_lease *lease, uint32_t req, uint64_t head, uint64_t applied);

/* This host has applied so much. */
void jp_lease_applied(struct jp_lease *lease, uint64_t applied);

/*
 * Requests under way will not be answered, and what was granted and is not
 * applied will not come; what holds, holds on.
 */
void jp_lease_forget(struct jp_lease *lease);

/* Gives it up at once, and all requests. */
void jp_lease_drop(struct jp_lease *lease);

bool jp_lease_holds(const struct jp_lease *lease, int64_t now_ms);

/* When the next one is to be asked for: a third of a lease after the last. */
int64_t jp_lease_due_ms(const struct jp_lease *lease);

/* ---- what is known of the others ---- */

struct jp_peers {
	uint64_t head; /* of the last reading */
	size_t len;
	struct jp_peer {
		char name[JP_LINK_NAME_MAX + 1];
		bool gone; /* no longer among the nodes */
		bool left; /* as they say, or as it is gone */
		uint64_t applied;
		uint64_t grants;
		int64_t until_ms; /* all of these are over then */
		uint64_t newest;  /* of `grants`: the highest that was seen */
	} of[JP_LEASE_PEERS_MAX];
};

/*
 * Takes a reading. Who is gone is kept until its lease is over. JP_ERR_OVERLOAD
 * if too many are: then nothing was taken.
 */
enum jp_err jp_peers_take(
    struct jp_peers *peers, const struct jp_link_nodes *nodes, int64_t now_ms);

/* ---- waiting for all of them ---- */

struct jp_barrier {
	uint64_t seq;
	bool begun; /* there was a reading with a head of at least seq */
	size_t len; /* of those that have not applied it yet */
	struct jp_barrier_peer {
		char name[JP_LINK_NAME_MAX + 1];
		int64_t until_ms;
	} of[JP_LEASE_PEERS_MAX];
	/* Who was waited for until its lease was over, most recent last. */
	size_t late_len;
	struct jp_barrier_late {
		char name[JP_LINK_NAME_MAX + 1];
		bool left; /* the cluster; else it is silent */
	} late[JP_LINK_NODES_MAX];
};

/* Nothing is known yet of who has applied batch `seq`. */
void jp_barrier_start(struct jp_barrier *barrier, uint64_t seq);

/*
 * After each reading, and when time has passed: true when nobody has to be
 * waited for any more. `self` is the own node, which has applied it. The
 * barrier begins with the first reading that is as new as the batch.
 */
bool jp_barrier_look(struct jp_barrier *barrier, const struct jp_peers *peers,
    const char *self, int64_t now_ms);

/*
 * When it is to be looked at again if there is no reading before: the first end
 * of a lease; INT64_MAX if it has not begun.
 */
int64_t jp_barrier_next_ms(const struct jp_barrier *barrier);

#endif
