/*
 * common/cluster/: a store as one of several hosts' replicas of one log: the
 * chain of its batches, the lease under which a host says yes, and the messages
 * between the owner of a store and pat-clusterd.
 *
 * The messages on cluster.sock: SOCK_SEQPACKET, each at most JP_LINK_MSG_MAX
 * bytes. The *host* is whoever owns the store: patd, which listens; or
 * pat-admin, over a socketpair to the `pat-clusterd --setup` that it has
 * started. The *link* is pat-clusterd, which speaks to the database and looks
 * into no batch. This file needs libjp alone.
 *
 *     message: "JPC1", kind u8, the fields of the kind in the order below
 *
 * Integers and texts as in common/base/buf.h; a u64 is an i64 that is not
 * negative. What has more bytes than fit (`len` of APPEND, BATCH, SNAPSHOT_PUT,
 * SNAPSHOT) sends them behind it as messages of the kind PART, all but the last
 * of JP_LINK_PART_MAX bytes, with nothing of the same direction in between.
 * jp_link_send() and struct jp_link_reader do this.
 *
 * Who says what when:
 *
 *   connected       host: HELLO, at once. link: STATE, now and at each change.
 *   database there  link: WELCOME, again after each new connection to the
 *                   database; where another holder had the leases of this
 *                   node, only once these are over. Then BATCH for each one
 *                   behind `applied` of the HELLO, in order, for ever, each
 *                   once, over all connections to databases, but perhaps not
 *                   for its own of which it has said OK; and NODES, behind
 *                   those BATCHes that were there when it was read, and again
 *                   when it has changed or the host has asked by STATUS.
 *   a commit        host: APPEND. link: APPENDED with the same `req`, always:
 *                   UNKNOWN if the connection was lost, or the wait for the
 *                   standby was cancelled, before it was known. The host then
 *                   sends the same batch (the same id) again, under a new
 *                   `req`, after the next WELCOME. One APPEND at a time.
 *   a lease         host: LEASE. link: LEASED with the same `req`, or never, if
 *                   the connection was lost. Several may be under way.
 *   its end         host: RELEASE, once nobody answers by its lease any more,
 *                   nor asks for another one; link: DONE, when the database
 *                   has taken it back, or cannot be told.
 *   applied         host: APPLIED; only the latest counts.
 *   a snapshot      host: SNAPSHOT_PUT for each part in turn; link: DONE for
 *                   each. JP_ERR_BUSY at the first: another host is making one.
 *                   host: SNAPSHOT_GET; link: SNAPSHOT for each part in turn,
 *                   then DONE (JP_ERR_NOT_FOUND: there is none).
 *   set-up          host: HELLO with a zero cluster, then CREATE or JOIN; link:
 *                   WELCOME with the cluster's id if it is done, then DONE.
 *                   The name is taken as long as the link lives; for good
 *                   once the host has said SETTLE, as its store is in its
 *                   place, and no longer once it goes back, by ABANDON. Both
 *                   are about what this very link has entered, and leave alone
 *                   whoever else has that name by now; link: DONE.
 *   leaving         host: LEAVE (any node, whoever has entered it); link: DONE,
 *                   when no lease of that one can be valid any more.
 *   status          host: STATUS; link: STATE, NODES if connected, then DONE.
 *
 * Whoever gets a message that it cannot read, or that is not for it, closes the
 * connection; nothing else is lost by that.
 */
#ifndef JP_LINK_H
#define JP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define JP_LINK_VERSION 1 /* of the protocol; in HELLO and WELCOME */
#define JP_LINK_MSG_MAX (64U << 10)
#define JP_LINK_PART_MAX (48U << 10)
/* Bytes behind a message: of a batch, or of a snapshot's part. */
#define JP_LINK_BYTES_MAX (64U << 20)
#define JP_LINK_PARTS_MAX (1U << 20) /* of a snapshot */
#define JP_LINK_ID_LEN 16            /* of a cluster, of a batch */
#define JP_LINK_MAC_LEN 32           /* common/cluster/chain.h */
#define JP_LINK_TAG_LEN 16           /* jp_pepper_name() */
#define JP_LINK_HOLDER_LEN 16        /* common/cluster/holder.h */
#define JP_LINK_NODES_MAX 64
#define JP_LINK_NAME_MAX 63   /* bytes of a node's name */
#define JP_LINK_BUILD_MAX 31  /* bytes of a version of jira-pat */
#define JP_LINK_PLACE_MAX 511 /* bytes of "host:port/dbname" */
#define JP_LINK_TEXT_MAX 511  /* bytes of a line for people */
#define JP_LINK_LEASE_MIN_MS 1000
#define JP_LINK_LEASE_MAX_MS 300000

/*
 * X(CODE, number, name, sender). The numbers are in the messages: append only.
 */
#define JP_LINK_LIST(X)                                                        \
	X(HELLO, 1, "HELLO", HOST)                                             \
	X(APPEND, 2, "APPEND", HOST)                                           \
	X(LEASE, 3, "LEASE", HOST)                                             \
	X(APPLIED, 4, "APPLIED", HOST)                                         \
	X(SNAPSHOT_PUT, 5, "SNAPSHOT_PUT", HOST)                               \
	X(SNAPSHOT_GET, 6, "SNAPSHOT_GET", HOST)                               \
	X(CREATE, 7, "CREATE", HOST)                                           \
	X(JOIN, 8, "JOIN", HOST)                                               \
	X(LEAVE, 9, "LEAVE", HOST)                                             \
	X(STATUS, 10, "STATUS", HOST)                                          \
	X(PART, 11, "PART", BOTH)                                              \
	X(STATE, 12, "STATE", LINK)                                            \
	X(WELCOME, 13, "WELCOME", LINK)                                        \
	X(BATCH, 14, "BATCH", LINK)                                            \
	X(APPENDED, 15, "APPENDED", LINK)                                      \
	X(LEASED, 16, "LEASED", LINK)                                          \
	X(NODES, 17, "NODES", LINK)                                            \
	X(SNAPSHOT, 18, "SNAPSHOT", LINK)                                      \
	X(DONE, 19, "DONE", LINK)                                              \
	X(SETTLE, 20, "SETTLE", HOST)                                          \
	X(ABANDON, 21, "ABANDON", HOST)                                        \
	X(RELEASE, 22, "RELEASE", HOST)

enum jp_link_kind {
#define JP_LINK_ENUM(code, number, name, sender) JP_LINK_##code = (number),
	JP_LINK_LIST(JP_LINK_ENUM)
#undef JP_LINK_ENUM
	    JP_LINK_KINDS /* one more than the last */
};

/* Who sends a message; BOTH only for kinds. */
enum jp_link_side {
	JP_LINK_SIDE_HOST = 1,
	JP_LINK_SIDE_LINK = 2,
	JP_LINK_SIDE_BOTH = 3,
};

/* For logs; "unknown" for none; never NULL. */
const char *jp_link_kind_name(enum jp_link_kind kind);

/* How the link stands to the database. Numbers as above. */
enum jp_link_state {
	JP_LINK_CONNECTING = 0, /* it tries; `text`: the last failure, or "" */
	JP_LINK_CONNECTED,      /* to a primary that knows this node */
	JP_LINK_REFUSED,        /* `text`: what an administrator has to do */
	JP_LINK_STATES
};

/* What became of an APPEND. */
enum jp_link_result {
	JP_LINK_OK = 0,   /* it is in the log, for good, behind `expected` */
	JP_LINK_CONFLICT, /* it is not: others had moved the head on */
	JP_LINK_UNKNOWN,  /* nobody knows: send it again */
	JP_LINK_NOT_DONE, /* it is not, for another reason: `text` */
	JP_LINK_RESULTS
};

/* 1 to JP_LINK_NAME_MAX bytes of [A-Za-z0-9._-]. */
bool jp_link_name_valid(const char *name);

struct jp_link_node {
	char name[JP_LINK_NAME_MAX + 1];
	uint64_t applied;   /* up to there, as it has told */
	uint64_t grants;    /* leases that it was granted so far */
	uint32_t lease_ms;  /* the length of those; 0: there was none, or the
	                       last one was given back */
	int64_t contact_ms; /* how long ago it was heard of, by the database's
	                       clock: for people only; -1: never */
	char version[JP_LINK_BUILD_MAX + 1]; /* of jira-pat */
	bool gone; /* it has left: it is granted nothing any more */
};

/* All nodes in the order of their names, read at once. */
struct jp_link_nodes {
	/*
	 * Read in the same snapshot as the nodes: whoever was granted a lease
	 * before `head` was committed is shown with it.
	 */
	uint64_t head;
	uint8_t mac[JP_LINK_MAC_LEN]; /* of the head */
	uint16_t len;
	struct jp_link_node of[JP_LINK_NODES_MAX];
};

struct jp_link_hello {
	uint16_t version;                /* JP_LINK_VERSION */
	uint8_t cluster[JP_LINK_ID_LEN]; /* zero: set-up */
	char node[JP_LINK_NAME_MAX + 1];
	uint32_t lease_ms;
	uint64_t applied;
	uint8_t mac[JP_LINK_MAC_LEN];        /* of `applied` */
	char release[JP_LINK_BUILD_MAX + 1]; /* of jira-pat */
	uint8_t holder[JP_LINK_HOLDER_LEN];  /* of its leases */
};

struct jp_link_append {
	uint32_t req;
	uint64_t expected; /* the head behind which it goes */
	uint8_t id[JP_LINK_ID_LEN];
	int64_t time; /* seconds, of the host */
	uint8_t mac[JP_LINK_MAC_LEN];
	uint32_t len;
};

/* LEASE, SNAPSHOT_GET, STATUS, RELEASE: the number that the answer has, too. */
struct jp_link_request {
	uint32_t req;
};

struct jp_link_applied {
	uint64_t seq;
};

/* SNAPSHOT_PUT, and SNAPSHOT, whose req is that of SNAPSHOT_GET. */
struct jp_link_snapshot {
	uint32_t req;
	uint64_t seq; /* the records are those of then, or later */
	uint8_t mac[JP_LINK_MAC_LEN]; /* of the chain at `seq` */
	uint32_t parts;               /* how many */
	uint32_t part;                /* which of them, from 0 */
	uint8_t part_mac[JP_LINK_MAC_LEN];
	uint32_t len;
};

struct jp_link_create {
	uint32_t req;
	uint8_t cluster[JP_LINK_ID_LEN]; /* chosen by the host */
	uint8_t tag[JP_LINK_TAG_LEN];
	uint8_t mac[JP_LINK_MAC_LEN]; /* of seq 0: jp_chain_start() */
};

struct jp_link_join {
	uint32_t req;
	char node[JP_LINK_NAME_MAX + 1];
	uint8_t tag[JP_LINK_TAG_LEN];
};

/* LEAVE, SETTLE, ABANDON: of which node. */
struct jp_link_of_node {
	uint32_t req;
	char node[JP_LINK_NAME_MAX + 1];
};

struct jp_link_state_msg {
	enum jp_link_state state;
	char database[JP_LINK_PLACE_MAX + 1]; /* host:port/dbname, or "" */
	bool primary;
	bool tls;
	bool verified;    /* sslmode=verify-full, or a local address */
	bool synchronous; /* a standby is waited for */
	/*
	 * REFUSED: JP_ERR_NOT_FOUND: by a cluster that does not have this node;
	 * JP_ERR_CONFLICT: the cluster there is not that of the HELLO; what
	 * else there is says `text` alone. Otherwise JP_ERR_OK.
	 */
	enum jp_err err;
	char text[JP_LINK_TEXT_MAX + 1];
};

struct jp_link_welcome {
	uint16_t version;
	uint8_t cluster[JP_LINK_ID_LEN];
	uint8_t tag[JP_LINK_TAG_LEN]; /* of the pepper */
	uint64_t head;
	uint8_t mac[JP_LINK_MAC_LEN]; /* of the head */
	uint64_t oldest;   /* seq of the first batch that is kept; head + 1:
	                      none is */
	uint64_t snapshot; /* seq of the newest; if has_snapshot */
	bool has_snapshot;
};

struct jp_link_batch {
	uint64_t seq;
	uint8_t id[JP_LINK_ID_LEN];
	char node[JP_LINK_NAME_MAX + 1];
	int64_t time;
	uint8_t mac[JP_LINK_MAC_LEN];
	uint32_t len;
};

struct jp_link_appended {
	uint32_t req;
	enum jp_link_result result;
	char text[JP_LINK_TEXT_MAX + 1]; /* NOT_DONE: why; else "" */
	/*
	 * OK: as read in the append's own transaction once it had the lock of
	 * the head, or, of a repeated one, later. CONFLICT: the head alone has
	 * to be right. Else empty.
	 */
	struct jp_link_nodes nodes;
};

struct jp_link_leased {
	uint32_t req;
	bool ok;
	uint64_t head; /* when it was granted */
	uint8_t mac[JP_LINK_MAC_LEN];
	char text[JP_LINK_TEXT_MAX + 1]; /* not ok: why */
};

struct jp_link_nodes_msg {
	struct jp_link_nodes nodes;
	uint64_t log_batches; /* kept since the newest snapshot */
	uint64_t log_bytes;   /* likewise: for the host to make one in time */
};

struct jp_link_done {
	uint32_t req;
	enum jp_err err;
	char text[JP_LINK_TEXT_MAX + 1];
};

struct jp_link_part {
	const uint8_t *bytes; /* decoded: in the message */
	size_t len;
};

/* Whatever is asked, the number that the answer has is in front: `request`. */
#define JP_LINK_REQ_FIRST(type) (offsetof(struct type, req) == 0)
_Static_assert(
    JP_LINK_REQ_FIRST(jp_link_request) && JP_LINK_REQ_FIRST(jp_link_append) &&
        JP_LINK_REQ_FIRST(jp_link_snapshot) &&
        JP_LINK_REQ_FIRST(jp_link_create) && JP_LINK_REQ_FIRST(jp_link_join) &&
        JP_LINK_REQ_FIRST(jp_link_of_node),
    "a request without its number");

struct jp_link_msg {
	enum jp_link_kind kind;
	union {
		struct jp_link_hello hello;
		struct jp_link_append append;
		struct jp_link_request request; /* as said there */
		struct jp_link_applied applied;
		struct jp_link_snapshot snapshot; /* SNAPSHOT_PUT SNAPSHOT */
		struct jp_link_create create;
		struct jp_link_join join;
		struct jp_link_of_node of_node; /* LEAVE SETTLE ABANDON */
		struct jp_link_state_msg state;
		struct jp_link_welcome welcome;
		struct jp_link_batch batch;
		struct jp_link_appended appended;
		struct jp_link_leased leased;
		struct jp_link_nodes_msg nodes;
		struct jp_link_done done;
		struct jp_link_part part;
	};
};

/*
 * Encodes into JP_LINK_MSG_MAX bytes; `len` gets the length. JP_ERR_INVALID,
 * JP_ERR_TOO_LONG for what jp_link_decode() would not take.
 */
enum jp_err
jp_link_encode(const struct jp_link_msg *msg, uint8_t *bytes, size_t *len);

/*
 * Reads one from `sender` (HOST or LINK). JP_ERR_PROTOCOL for no message of
 * this protocol, or one of a kind that this side does not send; JP_ERR_INVALID,
 * JP_ERR_TOO_LONG, JP_ERR_TRUNCATED, JP_ERR_TRAILING for what is in it. An
 * error leaves `msg` zeroed.
 */
enum jp_err jp_link_decode(struct jp_link_msg *msg, enum jp_link_side sender,
    const uint8_t *bytes, size_t len);

/* How many bytes follow the message as PARTs. */
size_t jp_link_bytes_of(const struct jp_link_msg *msg);

/* Takes one message; an error ends the sending with it. */
typedef enum jp_err (*jp_link_take)(
    void *arg, const uint8_t *bytes, size_t len);

/*
 * Gives `take` the message, and then its `len` bytes at `bytes` in PARTs: each
 * of them encoded. `bytes` is not read where there are none. The errors of
 * jp_link_encode() and `take`.
 */
enum jp_err jp_link_send(const struct jp_link_msg *msg, const uint8_t *bytes,
    jp_link_take take, void *arg);

/* Puts what follows as PARTs behind its message again. */
struct jp_link_reader {
	enum jp_link_side sender;
	struct jp_link_msg msg;
	uint8_t *bytes; /* what came with `msg`; the reader's, until the next */
	size_t len, cap;
	size_t wanted; /* bytes that are still to come */
};

void
jp_link_reader_init(struct jp_link_reader *reader, enum jp_link_side sender);

/*
 * Takes the next message from the socket. JP_ERR_OK: `msg` is whole, with
 * jp_link_bytes_of() bytes at `bytes`; JP_ERR_BUSY: more has to come. Any other
 * error (also JP_ERR_NOMEM) ends the connection. It takes memory for what has
 * come only, not for what was announced.
 */
enum jp_err jp_link_reader_feed(
    struct jp_link_reader *reader, const uint8_t *bytes, size_t len);

/* Frees the bytes, and clears them: they may hold sealed secrets. */
void jp_link_reader_free(struct jp_link_reader *reader);

#endif
