/*
 * What pat-clusterd does: requests of the host become statements, one after the
 * other, and what the database says becomes messages. Each kind of work is a
 * task, of which one has the database at a time; they take turns.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "pat_clusterd/database.h"
#include "pat_clusterd/host.h"

enum {
	BRIDGE_LEASES_MAX = 16,
	BRIDGE_LOOK_MS = 5000, /* for what nobody has told about */
};

struct bridge;

struct task {
	/* Whether there is something to do now. */
	bool (*is_wanted)(const struct bridge *bridge);
	/* Runs its statement. */
	void (*start)(struct bridge *bridge);
	/* Rows of it; NULL: there are none of interest. */
	void (*rows)(struct bridge *bridge, const PGresult *rows);
	/* What has become of it. */
	void (*ended)(struct bridge *bridge, enum database_end end);
};

/* A message that waits for the database, with a copy of its bytes. */
struct waiting {
	bool is_there;
	struct jp_link_msg msg;
	uint8_t *bytes;
};

/* A batch that came, as long as it is not sure that the standby has it. */
struct followed {
	struct followed *next;
	struct jp_link_batch batch;
	uint8_t bytes[];
};

struct bridge {
	struct host host;
	struct database database;
	int64_t session; /* of this process, by chance */
	int64_t now_ms;
	bool is_setup;
	bool is_over; /* set-up: the host is gone */

	/* The host. */
	bool greeted;
	struct jp_link_hello hello;
	uint64_t applied;     /* by the host, */
	uint64_t told;        /* as the database knows it */
	int64_t must_wait_ms; /* as the answer to hello says */
	bool is_waiting;      /* for the leases of another holder, */
	int64_t wait_ms;      /* until then */

	/* The database. */
	bool welcome;        /* this connection has said WELCOME */
	int64_t refused_ms;  /* tasks pause until then */
	enum jp_err refused; /* why `refusal` holds; JP_ERR_OK: it does not */
	bool is_refusing;
	/*
	 * Whose failure it is: it holds, over all connections, until that one
	 * has done what it is for. NULL: of the database as a whole.
	 */
	const struct task *culprit;
	const struct task *last, *done; /* has ended, has done it */
	bool is_garbage; /* what the database says is no message */
	char refusal[JP_LINK_TEXT_MAX + 1];
	struct jp_link_state_msg state; /* as it was said last */
	const struct task *task;        /* has the database; NULL: none */
	size_t turn;                    /* of the next one */
	struct jp_link_msg got;         /* what its rows say so far */
	bool any;                       /* there were some */

	/* The log. */
	uint64_t head;             /* that is known of */
	uint64_t sent;             /* to the host; all before it, too */
	bool is_behind;            /* there may be more */
	int64_t look_ms;           /* when to look again, without any reason */
	struct followed *followed; /* in their order; NULL: none */
	struct followed **followed_end;
	size_t followed_len, followed_bytes;
	bool want_nodes;
	bool has_nodes; /* `nodes` is to be sent once `sent` is its head */
	struct jp_link_nodes_msg nodes;
	uint64_t awaited; /* our latest batch, until all have applied it */

	/* Requests. */
	struct waiting append, put, setup;
	uint32_t append_req;
	size_t lease_len, asked_len;
	uint32_t leases[BRIDGE_LEASES_MAX], asked[BRIDGE_LEASES_MAX];
	uint64_t granted; /* number of the last lease of this host; 0: none */
	bool want_release;
	uint32_t release_req;
	bool want_status;
	bool has_status; /* DONE follows NODES */
	uint32_t status_req;
	unsigned int setup_step;
	int64_t setup_said; /* the schema's format, or a lease */
	int64_t setup_ms;   /* not before */
	unsigned int setup_tries;
	unsigned int put_step;
	bool has_put_lock;
	bool want_get;
	uint32_t get_req, get_next;
	bool has_get; /* `get` is what it is about */
	struct jp_link_snapshot get;
};

/* Where the settings lead. The conninfo, and the path, stay the caller's. */
struct bridge_options {
	const struct conninfo *info;
	struct names *names; /* NULL: as in database_make() */
	const char *node;
	const char *path; /* of cluster.sock; NULL: set-up */
	const uid_t *uids;
	size_t uid_len;
};

void bridge_make(struct bridge *bridge, const struct bridge_options *options);

/* The host is at the other end of `fd`. */
void bridge_serve(struct bridge *bridge, int fd);

/* Lets go of all. */
void bridge_end(struct bridge *bridge);

/* For poll(2): when bridge_step() is due without it; INT64_MAX: never. */
int64_t bridge_due(const struct bridge *bridge);
void bridge_step(struct bridge *bridge, short host_ready, short database_ready,
    int64_t now_ms);

/* ---- for the tasks ---- */

extern const struct task task_hello, task_append, task_lease, task_applied,
    task_release, task_follow, task_nodes, task_status, task_setup, task_put,
    task_get;

/* Takes a copy of a message that came; JP_ERR_NOMEM. */
enum jp_err bridge_keep(struct waiting *waiting, const struct jp_link_msg *msg,
    const uint8_t *bytes);
void bridge_forget(struct waiting *waiting);

void bridge_run(
    struct bridge *bridge, const struct statement *statement, bool large);

/*
 * Sends a message. What cannot be one, by what the database says, ends the
 * connection to it.
 */
void bridge_send(
    struct bridge *bridge, const struct jp_link_msg *msg, const uint8_t *bytes);

/* A text of the database, as far as it fits and may be shown, and advice. */
void bridge_text(
    char text[JP_LINK_TEXT_MAX + 1], const char *from, const char *advice);

/* Sends STATE if it has changed, or `always`. */
void bridge_say_state(struct bridge *bridge, bool always);

/* The end of a request. */
void bridge_done(
    struct bridge *bridge, uint32_t req, enum jp_err err, const char *text);

/*
 * A statement has failed: what is refused by our own functions is said, with
 * what to do; after anything else the connection is made again.
 */
void bridge_failed(struct bridge *bridge);

/* The same of what is wrong with the database as a whole. */
void bridge_refuse(struct bridge *bridge, const char *text);

/* What to do about the last failure, or "". */
const char *bridge_advice(const struct bridge *bridge);

/* What was wrong is no more. */
void bridge_is_well(struct bridge *bridge);

/* Takes a reading that is complete: NODES goes out when it may. */
void
bridge_take_nodes(struct bridge *bridge, const struct jp_link_nodes_msg *nodes);

/* All that a look for changes would tell is known: the next one is put off. */
void bridge_looked(struct bridge *bridge);

/* Reads rows of jira_pat.nodes(), from that column on. */
void bridge_read_nodes(struct bridge *bridge, struct jp_link_nodes_msg *nodes,
    const PGresult *rows, int column);

/* Reads a row of jira_pat.welcome(). */
void bridge_read_welcome(struct jp_link_welcome *welcome, const PGresult *rows);

/* Batches that have come, where there will be no end of the statement. */
void bridge_drop_followed(struct bridge *bridge);

/* The answer to RELEASE, if there is one to be given. */
void bridge_end_release(struct bridge *bridge, enum jp_err err);

/* What a PUT or a GET has to be told when the connection is gone. */
void bridge_drop_snapshots(struct bridge *bridge);

#endif
