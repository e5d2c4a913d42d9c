/* The thread of the cluster: what it waits for, and what it looks at. */
#include "patd/cluster_internal.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "common/base/clock.h"

enum {
	LOOK_MS = 1000,    /* at the socket, and at the lease */
	RELEASE_MS = 1000, /* for its answer: without it others only wait */
};

static void
wait_for_events(struct cluster *cluster, int64_t ms)
{
	bool waiting = cluster_wire_is_waiting(&cluster->link);
	bool open = jp_has_come(cluster->pause_ms);
	struct pollfd fds[] = {
		{ .fd = cluster->link.wake_fd, .events = POLLIN },
		{ .fd = open ? cluster->door.listening.fd : -1,
		    .events = POLLIN },
		{ .fd = cluster->link.fd,
		    .events = (short)(POLLIN | (waiting ? POLLOUT : 0)) },
	};
	eventfd_t count;

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), (int)ms) <= 0)
		return;
	if (fds[0].revents != 0)
		(void)eventfd_read(cluster->link.wake_fd, &count);
	if (fds[1].revents != 0)
		cluster_talk_open(cluster,
		    cluster_door_accept(&cluster->door, cluster->link.fd >= 0));
	if (fds[2].revents != 0 && fds[2].fd == cluster->link.fd)
		cluster_talk_receive(cluster);
}

/* How long the thread may sleep, if nothing happens. */
static int64_t
sleep_ms(struct cluster *cluster, int64_t now_ms, int64_t look_ms)
{
	int64_t ms = jp_replica_tick(cluster->replica);
	int64_t end_ms = atomic_load(&cluster->end_ms);

	if (cluster_snapshot_step(&cluster->snapshot, now_ms))
		return 0;
	if (ms > look_ms - now_ms)
		ms = look_ms - now_ms;
	if (cluster->pause_ms > now_ms && ms > cluster->pause_ms - now_ms)
		ms = cluster->pause_ms - now_ms;
	if (end_ms != INT64_MAX && ms > end_ms - now_ms)
		ms = end_ms - now_ms;
	return ms > 0 ? ms : 0;
}

/* No other thread answers any more. */
static void
give_lease_back(struct cluster *cluster)
{
	const int64_t end_ms = jp_now_ms() + RELEASE_MS;
	int64_t left_ms = RELEASE_MS;

	jp_replica_release(cluster->replica);
	while (jp_replica_is_releasing(cluster->replica) && left_ms > 0) {
		wait_for_events(cluster, left_ms);
		cluster_talk_flush(cluster);
		left_ms = end_ms - jp_now_ms();
	}
}

void *
cluster_thread(void *arg)
{
	struct cluster *cluster = arg;
	int64_t now_ms = jp_now_ms(), look_ms = now_ms;

	while (!atomic_load(&cluster->stopping)) {
		if (now_ms >= look_ms) {
			cluster_door_look(&cluster->door);
			look_ms = now_ms + LOOK_MS;
		}
		cluster_watch_lease(cluster);
		cluster_watch_refused(cluster);
		wait_for_events(cluster, sleep_ms(cluster, now_ms, look_ms));
		cluster_talk_flush(cluster);
		now_ms = jp_now_ms();
		if (now_ms >= atomic_load(&cluster->end_ms)) {
			jp_replica_stop(cluster->replica);
			atomic_store(&cluster->end_ms, INT64_MAX);
		}
	}
	give_lease_back(cluster);
	return NULL;
}
