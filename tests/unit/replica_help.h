/*
 * Two hosts of a cluster over stores in memory, for the tests of replicas
 * (common/cluster/replica*.c). The log answers within the call that asks it, so
 * that one thread is enough; the clock is the tests'.
 */
#ifndef JP_TESTS_REPLICA_HELP_H
#define JP_TESTS_REPLICA_HELP_H

#include "tests/unit/cluster_help.h"

#define ID "aaaaaaa1"
#define OTHER "aaaaaaa2"

/* A test of an array of cmocka's, with the two hosts of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

enum {
	START_MS = 1000000,
	OWN = FAKE_LEASE_MS - FAKE_LEASE_MS / 100,
	OTHERS = FAKE_LEASE_MS + FAKE_LEASE_MS / 100,
	HASTY_MS = 500, /* waits no longer; long enough to send something */
};

/* What the clock says; and how long each look at stepping_boot_ms() takes. */
extern atomic_llong now_ms, step_ms;

int64_t fake_boot_ms(void);
int64_t stepping_boot_ms(void);

/* Both are connected, and neither has a lease yet. */
struct fixture {
	struct fake_log log;
	struct fake_host a, b;
};

int set_up(void **state);
int tear_down(void **state);

/* One more host, which is connected, and whose writers soon give up. */
void open_hasty(struct fixture *fixture, struct fake_host *hasty);

/* Commits of one change each. */
enum jp_err add_to(struct fake_host *host, const char *id);
enum jp_err revoke_on(struct fake_host *host, const char *id);

/* Two batches of a, of which b has none: ID and OTHER are added. */
void make_two(struct fixture *fixture);

bool has(const struct fake_host *host, const char *id);
bool is_revoked(const struct fake_host *host, const char *id);

/* The reason of the last commit that failed has this part. */
void assert_why(const struct fake_host *host, const char *part);

/* The last message was refused so, which ends its connection. */
void assert_refused(struct fake_host *host, enum jp_err err, const char *part);

/* Gives both what there is for them, until there is no more. */
void pump(struct fixture *fixture);

/* Gives the host what is batch `of` of the log as that of `seq`. */
void give_batch(
    struct fixture *fixture, struct fake_host *host, uint64_t seq, uint64_t of);

/* A commit that another thread makes. */
struct writer {
	struct fake_host *host;
	const char *id;
	enum jp_err err;
	atomic_bool over;
	pthread_t thread;
};

void writer_start(struct writer *writer);

/* Gives it what there is for it until it has ended. */
void pump_writer(struct writer *writer);

#endif
