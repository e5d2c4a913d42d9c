/* Writers who have written: until all hosts have it. */
#include <stdio.h>
#include <string.h>

#include "common/cluster/replica_internal.h"

enum {
	READING_LEASES = 2, /* how long a reading of the nodes is waited for */
};

/*
 * "b, c" of those that have left, or are silent, each once; how many. Where not
 * all names have room, "b, c and 9 more".
 */
static size_t
print_late(const struct jp_barrier *barrier, bool left, char *text, size_t size)
{
	const size_t more = sizeof(", ") + sizeof(" and 64 more");
	size_t len = 0, count = 0, named = 0;

	text[0] = '\0';
	for (size_t i = 0; i < barrier->late_len; i++) {
		const char *name = barrier->late[i].name;

		if (barrier->late[i].left != left)
			continue;
		if (named == count && len + strlen(name) + more <= size) {
			(void)snprintf(text + len, size - len, "%s%s",
			    named > 0 ? ", " : "", name);
			len = strlen(text);
			named++;
		}
		count++;
	}
	if (named < count)
		(void)snprintf(
		    text + len, size - len, " and %zu more", count - named);
	return count;
}

static void
say_late(
    const struct jp_barrier *barrier, int64_t waited_ms, struct jp_why *why)
{
	char silent[JP_WHY_MAX / 2], left[JP_WHY_MAX / 4];
	const long long s = (waited_ms + 500) / 1000;
	size_t silents = print_late(barrier, false, silent, sizeof(silent));
	size_t lefts = print_late(barrier, true, left, sizeof(left));
	bool many = silents > 1;

	if (silents == 0)
		(void)jp_why(why, JP_ERR_OK,
		    "waited %lld s for %s, no longer in the cluster", s, left);
	else
		(void)jp_why(why, JP_ERR_OK,
		    "waited %lld s for %s, which %s not answer: %s nothing "
		    "until %s back%s%s",
		    s, silent, many ? "do" : "does",
		    many ? "they accept" : "it accepts",
		    many ? "they are" : "it is",
		    lefts > 0 ? "; and for those no longer in the cluster: "
		              : "",
		    left);
}

static enum jp_err
say_unsettled(
    const struct jp_replica *replica, bool in_time, struct jp_why *why)
{
	if (!in_time)
		return jp_why(why, JP_ERR_TIMEOUT,
		    "it is done, and not all hosts have it yet");
	return jp_why(why, JP_ERR_TIMEOUT,
	    "it is done, but whether all hosts have it cannot be seen while "
	    "the database %s: a host may go on accepting as before until its "
	    "lease is over (%lld s here)",
	    replica->stopped ? "is not asked, as patd ends"
	                     : "cannot be reached",
	    (long long)(replica->lease.lease_ms / 1000));
}

/* Whoever settles cannot wait any longer. */
static bool
is_late(int64_t by_ms)
{
	return by_ms != INT64_MAX && jp_has_come(by_ms);
}

/* How long to wait for what may change it; 0: it is not waited for any more. */
static int64_t
wait_more_ms(const struct jp_replica *replica, const struct jp_barrier *barrier,
    int64_t begun_ms, int64_t now_ms, int64_t by_ms)
{
	int64_t end_ms = jp_barrier_next_ms(barrier);

	if (replica->stopped || is_late(by_ms))
		return 0;
	if (!barrier->begun)
		end_ms = begun_ms + READING_LEASES * replica->lease.lease_ms;
	return end_ms > now_ms ? end_ms - now_ms : 0;
}

static enum jp_err
wait_for_all(struct jp_replica *replica, struct jp_barrier *barrier,
    int64_t by_ms, struct jp_why *why)
{
	const int64_t begun_ms = replica->boot_ms();
	int64_t now_ms = begun_ms, wait_ms;

	while (
	    !jp_barrier_look(barrier, &replica->peers, replica->node, now_ms)) {
		wait_ms =
		    wait_more_ms(replica, barrier, begun_ms, now_ms, by_ms);
		if (wait_ms == 0)
			return say_unsettled(replica, !is_late(by_ms), why);
		if (by_ms != INT64_MAX && wait_ms > by_ms - jp_now_ms())
			wait_ms = by_ms - jp_now_ms();
		replica_wait(replica, wait_ms);
		now_ms = replica->boot_ms();
	}
	if (barrier->late_len > 0)
		say_late(barrier, now_ms - begun_ms, why);
	return JP_ERR_OK;
}

enum jp_err
replica_settle(struct jp_store *store, int64_t by_ms, struct jp_why *why)
{
	struct jp_replica *replica = replica_of(store);
	struct jp_barrier barrier;
	enum jp_err err;

	replica_lock(replica);
	jp_barrier_start(&barrier, replica->loud);
	replica->numbers.waits++;
	err = wait_for_all(replica, &barrier, by_ms, why);
	replica->numbers.late += barrier.late_len > 0;
	replica_unlock(replica);
	return err;
}
