/*
 * A log of a cluster in memory, as PostgreSQL and pat-clusterd have it, and
 * hosts with a replica over a store in memory. The log may be asked by threads;
 * a host's messages are carried by one.
 */
#ifndef JP_TESTS_CLUSTER_HELP_H
#define JP_TESTS_CLUSTER_HELP_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/cluster/replica.h"
#include "tests/unit/store_mem.h"

enum {
	FAKE_HOSTS_MAX = 4,
	FAKE_LOG_MAX = 20000,
	FAKE_INBOX_MAX = 64,
	FAKE_LEASE_MS = 15000,
};

extern const struct jp_pepper fake_pepper;
extern const uint8_t fake_holder[JP_LINK_HOLDER_LEN];
/* Of hosts that are opened. */
extern int64_t fake_append_wait_ms, fake_lease_ms;

struct fake_entry {
	struct jp_link_batch batch;
	uint8_t *bytes;
};

struct fake_log {
	pthread_mutex_t mutex;
	uint64_t head;
	struct fake_entry *of; /* from seq 1 on, at [seq] */
	struct jp_link_nodes nodes;
	uint64_t changes; /* of the log or the nodes */
};

/* What the log does with the next APPEND of a host. */
enum fake_way {
	FAKE_ANSWERS = 0,
	FAKE_UNKNOWN_DONE,   /* does it, and says that nobody knows */
	FAKE_UNKNOWN_UNDONE, /* does it not, and says the same */
	FAKE_LOST_DONE,      /* does it, and the link is gone */
	FAKE_LOST_UNDONE,
	FAKE_REPLACED,      /* the link cannot take it, and is another then */
	FAKE_ECHOES,        /* does it, which the batch itself says */
	FAKE_SILENT_DONE,   /* does it, and says nothing */
	FAKE_SILENT_UNDONE, /* does it not, and says nothing */
	FAKE_REFUSES,       /* NOT_DONE */
	FAKE_LIES,          /* does it not, and says that it is done */
	FAKE_ABSURD,        /* likewise, in a log that ends before it */
	FAKE_ABSURD_TOO,    /* says the same of another one in its place */
	FAKE_FORKS,         /* says that it is done where another one is */
};

struct fake_host {
	struct fake_log *log;
	char name[JP_LINK_NAME_MAX + 1];
	struct jp_store *below;
	struct jp_store *store;
	struct jp_replica *replica;
	struct jp_why why;     /* of the last message that was refused */
	enum jp_err err;       /* likewise */
	atomic_bool connected; /* the link is there; */
	atomic_bool welcome;   /* and the database */
	bool deaf;             /* leases are asked for, and not granted, nor
	                          taken back */
	bool mute;             /* what it has applied is not told */
	atomic_int way;        /* enum fake_way */
	/* Before an APPEND is looked at; NULL: nothing. */
	void (*before)(struct fake_host *host);
	/* And when it is in the log, before the host hears of it. */
	void (*behind)(struct fake_host *host);
	/* And when the host has heard of it. */
	void (*after)(struct fake_host *host);
	struct fake_host *other;                /* for these */
	unsigned int appends, leases, releases; /* that it has sent */
	uint32_t last_req;                      /* of an APPEND */
	uint32_t lease_req, release_req;        /* of a LEASE, of a RELEASE */
	uint64_t told, changes; /* up to there it knows the log */
	/* Messages from its writers' threads, for who carries them. */
	bool is_pumped;
	pthread_mutex_t mutex;
	size_t inbox_len;
	struct jp_link_msg inbox[FAKE_INBOX_MAX];
};

void fake_log_init(struct fake_log *log);
void fake_log_free(struct fake_log *log);

/* Puts what another host would, and of which the stores know nothing. */
void fake_log_add(struct fake_log *log, const char *node,
    const struct jp_link_append *append, const uint8_t *bytes);

/* A host with an empty store, at the beginning of the log. */
void fake_host_open(struct fake_host *host, struct fake_log *log,
    const char *name, int64_t (*boot_ms)(void));
void fake_host_close(struct fake_host *host);

/* HELLO and WELCOME; what is refused is in `err`. */
void fake_connect(struct fake_host *host);

/* The database is gone, and with `link` pat-clusterd, too. */
void fake_cut(struct fake_host *host, bool link);

/*
 * Gives the host what the log has and it has not, until it refuses something,
 * which ends the connection of one that is pumped; true: there was something.
 */
bool fake_pump(struct fake_host *host);

/* Gives it one message. */
enum jp_err fake_give(struct fake_host *host, const struct jp_link_msg *msg,
    const uint8_t *bytes);

/* The batch with this seq as a message. */
void
fake_batch(const struct fake_log *log, uint64_t seq, struct jp_link_msg *msg);

#endif
