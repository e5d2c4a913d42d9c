#include "tests/unit/cluster_help.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/link_help.h"

const struct jp_pepper fake_pepper = { { 'p', 'e', 'p', 'p', 'e', 'r' } };
const uint8_t fake_holder[JP_LINK_HOLDER_LEN] = "holder of leases";
int64_t fake_append_wait_ms = 60000;
int64_t fake_lease_ms = FAKE_LEASE_MS;

static const uint8_t cluster[JP_CLUSTER_ID_LEN] = "a cluster of us";

static void
die_unless(bool truth)
{
	if (!truth)
		abort();
}

/* ---- the log ---- */

void
fake_log_init(struct fake_log *log)
{
	struct jp_chain chain;
	struct jp_position start;

	memset(log, 0, sizeof(*log));
	log->of = calloc(FAKE_LOG_MAX, sizeof(*log->of));
	die_unless(log->of != NULL);
	(void)pthread_mutex_init(&log->mutex, NULL);
	jp_chain_init(&chain, &fake_pepper, cluster);
	jp_chain_start(&chain, &start);
	memcpy(log->of[0].batch.mac, start.mac, sizeof(start.mac));
}

void
fake_log_free(struct fake_log *log)
{
	for (uint64_t seq = 1; seq <= log->head; seq++)
		free(log->of[seq].bytes);
	free(log->of);
	(void)pthread_mutex_destroy(&log->mutex);
}

/* A new one comes last: hosts are opened in the order of their names. */
static struct jp_link_node *
node_of(struct fake_log *log, const char *name)
{
	struct jp_link_node *node = &log->nodes.of[0];

	for (size_t i = 0; i < log->nodes.len; i++, node++)
		if (strcmp(node->name, name) == 0)
			return node;
	die_unless(log->nodes.len < JP_LINK_NODES_MAX);
	log->nodes.len++;
	link_text(node->name, name);
	return node;
}

void
fake_log_add(struct fake_log *log, const char *node,
    const struct jp_link_append *append, const uint8_t *bytes)
{
	struct fake_entry *entry = &log->of[++log->head];

	die_unless(log->head < FAKE_LOG_MAX);
	entry->batch = (struct jp_link_batch){
		.seq = log->head, .time = append->time, .len = append->len
	};
	memcpy(entry->batch.id, append->id, sizeof(append->id));
	memcpy(entry->batch.mac, append->mac, sizeof(append->mac));
	link_text(entry->batch.node, node);
	entry->bytes = malloc(append->len);
	die_unless(entry->bytes != NULL);
	memcpy(entry->bytes, bytes, append->len);
	log->changes++;
}

static void
read_nodes(struct fake_log *log, struct jp_link_nodes *nodes)
{
	*nodes = log->nodes;
	nodes->head = log->head;
	memcpy(nodes->mac, log->of[log->head].batch.mac, JP_LINK_MAC_LEN);
}

static bool
has_batch(const struct fake_log *log, const uint8_t id[JP_LINK_ID_LEN])
{
	for (uint64_t seq = log->head; seq > 0; seq--)
		if (memcmp(log->of[seq].batch.id, id, JP_LINK_ID_LEN) == 0)
			return true;
	return false;
}

void
fake_batch(const struct fake_log *log, uint64_t seq, struct jp_link_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->kind = JP_LINK_BATCH;
	msg->batch = log->of[seq].batch;
}

/* ---- a host ---- */

enum jp_err
fake_give(
    struct fake_host *host, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	host->err = jp_replica_take(host->replica, msg, bytes, &host->why);
	return host->err;
}

/* How each way goes. */
static const struct way {
	bool does; /* it puts the batch into the log */
	enum {
		SAYS_SO,
		SAYS_UNKNOWN,
		SAYS_NOTHING,
		ECHOES,
		HANGS_UP,
		FAILS,
	} then;
} ways[] = {
	[FAKE_ANSWERS] = { true, SAYS_SO },
	[FAKE_UNKNOWN_DONE] = { true, SAYS_UNKNOWN },
	[FAKE_UNKNOWN_UNDONE] = { false, SAYS_UNKNOWN },
	[FAKE_LOST_DONE] = { true, HANGS_UP },
	[FAKE_LOST_UNDONE] = { false, HANGS_UP },
	[FAKE_REPLACED] = { false, FAILS },
	[FAKE_ECHOES] = { true, ECHOES },
	[FAKE_SILENT_DONE] = { true, SAYS_NOTHING },
	[FAKE_SILENT_UNDONE] = { false, SAYS_NOTHING },
	[FAKE_REFUSES] = { false, SAYS_SO },
	[FAKE_LIES] = { false, SAYS_SO },
	[FAKE_ABSURD] = { false, SAYS_SO },
	[FAKE_ABSURD_TOO] = { false, SAYS_SO },
	[FAKE_FORKS] = { false, SAYS_SO },
};

static void
append(struct fake_host *host, const struct jp_link_append *append,
    const uint8_t *bytes, struct jp_link_msg *answer)
{
	struct fake_log *log = host->log;
	struct jp_link_appended *appended = &answer->appended;

	memset(answer, 0, sizeof(*answer));
	answer->kind = JP_LINK_APPENDED;
	appended->req = append->req;
	(void)pthread_mutex_lock(&log->mutex);
	if (!has_batch(log, append->id)) {
		if (log->head != append->expected)
			appended->result = JP_LINK_CONFLICT;
		else if (ways[atomic_load(&host->way)].does)
			fake_log_add(log, host->name, append, bytes);
	}
	read_nodes(log, &appended->nodes);
	(void)pthread_mutex_unlock(&log->mutex);
	if (host->way == FAKE_REFUSES) {
		appended->result = JP_LINK_NOT_DONE;
		link_text(appended->text, "the disk is full");
	}
	if (host->way == FAKE_LIES)
		appended->nodes.head++;
	if (host->way == FAKE_ABSURD_TOO)
		appended->result = JP_LINK_CONFLICT;
	if (host->way == FAKE_FORKS)
		appended->result = JP_LINK_OK;
}

/* Whoever pumps gives it to the host, or this thread does. */
static enum jp_err
answer_with(struct fake_host *host, const struct jp_link_msg *msg)
{
	if (!host->is_pumped)
		return fake_give(host, msg, NULL);
	(void)pthread_mutex_lock(&host->mutex);
	die_unless(host->inbox_len < FAKE_INBOX_MAX);
	host->inbox[host->inbox_len++] = *msg;
	(void)pthread_mutex_unlock(&host->mutex);
	return JP_ERR_OK;
}

static enum jp_err
answer_append(struct fake_host *host, const struct jp_link_append *request,
    const uint8_t *bytes)
{
	const struct way *way = &ways[atomic_load(&host->way)];
	struct jp_link_msg answer;
	enum jp_err err = JP_ERR_OK;

	host->appends++;
	host->last_req = request->req;
	if (host->before != NULL)
		host->before(host);
	append(host, request, bytes, &answer);
	if (host->behind != NULL)
		host->behind(host);
	atomic_store(&host->way, FAKE_ANSWERS);
	if (way->then == SAYS_UNKNOWN)
		answer.appended =
		    (struct jp_link_appended){ .req = request->req,
			    .result = JP_LINK_UNKNOWN };
	if (way->then == HANGS_UP || way->then == FAILS)
		fake_cut(host, true);
	if (way->then == ECHOES && !host->is_pumped)
		(void)fake_pump(host);
	if (way->then == SAYS_SO || way->then == SAYS_UNKNOWN)
		err = answer_with(host, &answer);
	if (host->after != NULL)
		host->after(host);
	if (way->then == SAYS_UNKNOWN || err != JP_ERR_OK)
		host->welcome = false;
	if (!host->is_pumped && !host->welcome)
		fake_connect(host);
	return way->then == FAILS ? JP_ERR_UNREACHABLE : JP_ERR_OK;
}

static void
grant(struct fake_host *host, uint32_t req)
{
	struct fake_log *log = host->log;
	struct jp_link_msg answer = { .kind = JP_LINK_LEASED };
	struct jp_link_node *node;

	host->leases++;
	host->lease_req = req;
	if (host->deaf)
		return;
	answer.leased.req = req;
	answer.leased.ok = true;
	(void)pthread_mutex_lock(&log->mutex);
	node = node_of(log, host->name);
	node->grants++;
	node->lease_ms = FAKE_LEASE_MS;
	answer.leased.head = log->head;
	memcpy(
	    answer.leased.mac, log->of[log->head].batch.mac, JP_LINK_MAC_LEN);
	log->changes++;
	(void)pthread_mutex_unlock(&log->mutex);
	(void)answer_with(host, &answer);
}

static void
give_back(struct fake_host *host, uint32_t req)
{
	host->releases++;
	host->release_req = req;
	if (host->deaf)
		return;
	(void)pthread_mutex_lock(&host->log->mutex);
	node_of(host->log, host->name)->lease_ms = 0;
	host->log->changes++;
	(void)pthread_mutex_unlock(&host->log->mutex);
	jp_replica_released(host->replica, req);
}

static void
note_applied(struct fake_host *host, uint64_t seq)
{
	if (host->mute)
		return;
	(void)pthread_mutex_lock(&host->log->mutex);
	node_of(host->log, host->name)->applied = seq;
	host->log->changes++;
	(void)pthread_mutex_unlock(&host->log->mutex);
}

static enum jp_err
take_from_host(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	struct fake_host *host = arg;

	if (!host->connected)
		return JP_ERR_UNREACHABLE;
	if (!host->welcome)
		return JP_ERR_OK;
	if (msg->kind == JP_LINK_APPEND)
		return answer_append(host, &msg->append, bytes);
	if (msg->kind == JP_LINK_LEASE)
		grant(host, msg->request.req);
	else if (msg->kind == JP_LINK_APPLIED)
		note_applied(host, msg->applied.seq);
	else if (msg->kind == JP_LINK_RELEASE)
		give_back(host, msg->request.req);
	else
		abort();
	return JP_ERR_OK;
}

static void
open_replica(struct fake_host *host, int64_t (*boot_ms)(void))
{
	struct jp_replica_options options = { .store = host->below,
		.pepper = &fake_pepper,
		.node = host->name,
		.holder = fake_holder,
		.lease_ms = fake_lease_ms,
		.append_wait_ms = fake_append_wait_ms,
		.clock = &jp_system_clock,
		.boot_ms = boot_ms,
		.link = { take_from_host, host } };

	die_unless(jp_replica_open(&options, &host->replica, &host->store,
	               &host->why) == JP_ERR_OK);
}

void
fake_host_open(struct fake_host *host, struct fake_log *log, const char *name,
    int64_t (*boot_ms)(void))
{
	struct jp_position start = { .seq = 0 };

	memset(host, 0, sizeof(*host));
	host->log = log;
	link_text(host->name, name);
	(void)node_of(log, name);
	memcpy(start.cluster, cluster, sizeof(cluster));
	memcpy(start.mac, log->of[0].batch.mac, sizeof(start.mac));
	(void)pthread_mutex_init(&host->mutex, NULL);
	die_unless(jp_store_mem_open(&host->below) == JP_ERR_OK);
	die_unless(jp_store_place(host->below, NULL, &start) == JP_ERR_OK);
	open_replica(host, boot_ms);
}

void
fake_host_close(struct fake_host *host)
{
	jp_store_close(host->store);
	(void)pthread_mutex_destroy(&host->mutex);
}

void
fake_connect(struct fake_host *host)
{
	struct fake_log *log = host->log;
	struct jp_link_msg msg;

	if (!host->connected) {
		jp_replica_hello(host->replica, &msg);
		host->told = msg.hello.applied;
	}
	host->connected = true;
	host->welcome = true;
	host->changes = UINT64_MAX;
	memset(&msg, 0, sizeof(msg));
	msg.kind = JP_LINK_WELCOME;
	msg.welcome.version = JP_LINK_VERSION;
	memcpy(msg.welcome.cluster, cluster, sizeof(cluster));
	jp_pepper_name(&fake_pepper, msg.welcome.tag);
	(void)pthread_mutex_lock(&log->mutex);
	msg.welcome.head = log->head;
	memcpy(msg.welcome.mac, log->of[log->head].batch.mac, JP_LINK_MAC_LEN);
	msg.welcome.oldest = 1;
	(void)pthread_mutex_unlock(&log->mutex);
	(void)answer_with(host, &msg);
}

void
fake_cut(struct fake_host *host, bool link)
{
	struct jp_link_msg msg = { .kind = JP_LINK_STATE };

	host->welcome = false;
	if (link) {
		host->connected = false;
		jp_replica_lost(host->replica);
		return;
	}
	link_text(msg.state.text, "no route to host");
	(void)answer_with(host, &msg);
}

/* ---- carrying ---- */

static bool
take_inbox(struct fake_host *host)
{
	struct jp_link_msg msg;
	bool some;

	(void)pthread_mutex_lock(&host->mutex);
	some = host->inbox_len > 0;
	if (some) {
		msg = host->inbox[0];
		host->inbox_len--;
		memmove(&host->inbox[0], &host->inbox[1],
		    host->inbox_len * sizeof(msg));
	}
	(void)pthread_mutex_unlock(&host->mutex);
	if (some)
		(void)fake_give(host, &msg, NULL);
	return some;
}

/* The next that the log has for it: a batch, or else the nodes. */
static bool
take_log(struct fake_host *host)
{
	struct fake_log *log = host->log;
	struct jp_link_msg msg = { .kind = JP_LINK_PART };
	const uint8_t *bytes = NULL;

	if (!host->welcome)
		return false;
	(void)pthread_mutex_lock(&log->mutex);
	if (host->told < log->head) {
		fake_batch(log, ++host->told, &msg);
		bytes = log->of[host->told].bytes;
	} else if (host->changes != log->changes) {
		host->changes = log->changes;
		msg = (struct jp_link_msg){ .kind = JP_LINK_NODES };
		read_nodes(log, &msg.nodes.nodes);
	}
	(void)pthread_mutex_unlock(&log->mutex);
	if (msg.kind == JP_LINK_PART)
		return false;
	(void)fake_give(host, &msg, bytes);
	return true;
}

bool
fake_pump(struct fake_host *host)
{
	bool some = false;

	host->err = JP_ERR_OK;
	while (host->err == JP_ERR_OK && (take_inbox(host) || take_log(host)))
		some = true;
	if (host->err != JP_ERR_OK && host->is_pumped)
		fake_cut(host, true);
	return some;
}
