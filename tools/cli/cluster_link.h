/*
 * The database of a cluster, as pat-admin reaches it: through a `pat-clusterd
 * --setup` that it starts, with a socketpair as descriptor 0, over which both
 * speak the messages of common/cluster/link.h. What that program logs goes to
 * standard error; it ends when the other end of its descriptor is closed.
 */
#ifndef PAT_ADMIN_CLUSTER_LINK_H
#define PAT_ADMIN_CLUSTER_LINK_H

#include <sys/types.h>

#include "common/cluster/link.h"
#include "common/store/store.h"
#include "tools/cli/context.h"

struct cluster_link {
	int fd;
	pid_t pid;
	uint32_t req;        /* of the last request */
	int64_t deadline_ms; /* for the next message */
	bool connected;      /* to the database, at least once */
	struct jp_link_reader reader;
	/* The last ones of their kinds. */
	struct jp_link_state_msg state;
	bool welcomed, has_nodes;
	struct jp_link_welcome welcome;
	struct jp_link_nodes_msg nodes;
};

/* A HELLO of this host: as the set-up, where `position` is NULL. */
void cluster_link_hello(const struct context *context,
    const struct jp_position *position, struct jp_link_msg *hello);

/*
 * In the name of no host: whoever has the one of this host now is waited for,
 * as any host that leaves.
 */
void cluster_link_as_nobody(struct jp_link_msg *hello);

/* Whether a REFUSED is for want of this host alone in the cluster. */
bool cluster_link_is_forgotten(const struct cluster_link *link);

/*
 * Starts `program` and says `hello`. JP_ERR_MISSING if there is no such
 * program. To be closed, also after an error.
 */
enum jp_err
cluster_link_open(struct cluster_link *link, const struct context *context,
    const char *program, const struct jp_link_msg *hello, struct jp_why *why);

/* A connection that was lost is waited for no longer than for the first one. */
void cluster_link_hurry(struct cluster_link *link);

/* Sends a message with its bytes, from any thread. */
enum jp_err cluster_link_send(struct cluster_link *link,
    const struct jp_link_msg *msg, const uint8_t *bytes, struct jp_why *why);

/*
 * Waits for the next whole message, which is in `reader` until the next call.
 * JP_ERR_UNREACHABLE: no database for half a minute, or the program has ended;
 * JP_ERR_CONFIG: it is refused, and `why` says what to do.
 */
enum jp_err cluster_link_next(struct cluster_link *link, struct jp_why *why);

/* Takes a message that comes before DONE, with its bytes. */
typedef enum jp_err (*cluster_link_take)(void *arg,
    const struct jp_link_msg *msg, const uint8_t *bytes, struct jp_why *why);

/*
 * Sends a request, whose `req` it sets, and waits for its DONE: the error that
 * this has, with its text. `take` (may be NULL) gets all else.
 */
enum jp_err cluster_link_ask(struct cluster_link *link, struct jp_link_msg *msg,
    const uint8_t *bytes, cluster_link_take take, void *arg,
    struct jp_why *why);

void cluster_link_close(struct cluster_link *link);

#endif
