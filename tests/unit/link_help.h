/* An example of each message on cluster.sock. */
#ifndef JP_TESTS_LINK_HELP_H
#define JP_TESTS_LINK_HELP_H

#include <stdio.h>
#include <string.h>

#include "common/cluster/link.h"

static inline void
link_text(char *field, const char *text)
{
	(void)strcpy(field, text);
}

/* Nodes in the order of their names, all different in all fields. */
static inline void
link_nodes(struct jp_link_nodes *nodes, size_t len)
{
	memset(nodes, 0, sizeof(*nodes));
	nodes->head = 1000;
	memset(nodes->mac, 0xee, sizeof(nodes->mac));
	nodes->len = (uint16_t)len;
	for (size_t i = 0; i < len; i++) {
		struct jp_link_node *node = &nodes->of[i];

		(void)snprintf(node->name, sizeof(node->name), "node%02zu", i);
		node->applied = 900 + i;
		node->grants = 70 + i;
		node->lease_ms = i == 0 ? 0 : 15000 + (uint32_t)i;
		node->contact_ms = i == 0 ? -1 : (int64_t)i;
		link_text(node->version, "0.2.0");
		node->gone = i % 2 == 1;
	}
}

static inline void
link_example_hello(struct jp_link_msg *msg)
{
	msg->hello.version = JP_LINK_VERSION;
	memset(msg->hello.cluster, 0xc1, sizeof(msg->hello.cluster));
	link_text(msg->hello.node, "proxy1");
	msg->hello.lease_ms = 15000;
	msg->hello.applied = 7;
	memset(msg->hello.mac, 0x3a, sizeof(msg->hello.mac));
	link_text(msg->hello.release, "0.2.0");
	memset(msg->hello.holder, 0x4d, sizeof(msg->hello.holder));
}

static inline void
link_example_append(struct jp_link_msg *msg)
{
	msg->append.req = 9;
	msg->append.expected = 7;
	memset(msg->append.id, 0x1d, sizeof(msg->append.id));
	msg->append.time = 1800000000;
	memset(msg->append.mac, 0x3a, sizeof(msg->append.mac));
	msg->append.len = 100;
}

static inline void
link_example_applied(struct jp_link_msg *msg)
{
	msg->applied.seq = 8;
}

static inline void
link_example_create(struct jp_link_msg *msg)
{
	msg->create.req = 1;
	memset(msg->create.cluster, 0xc1, sizeof(msg->create.cluster));
	memset(msg->create.tag, 0x7a, sizeof(msg->create.tag));
	memset(msg->create.mac, 0x3a, sizeof(msg->create.mac));
}

static inline void
link_example_join(struct jp_link_msg *msg)
{
	msg->join.req = 2;
	link_text(msg->join.node, "proxy-2.example");
	memset(msg->join.tag, 0x7a, sizeof(msg->join.tag));
}

static inline void
link_example_of_node(struct jp_link_msg *msg)
{
	msg->of_node.req = 3;
	link_text(msg->of_node.node, "proxy_3");
}

static inline void
link_example_state(struct jp_link_msg *msg)
{
	msg->state.state = JP_LINK_REFUSED;
	link_text(msg->state.database, "db1:5432/jira_pat");
	msg->state.primary = true;
	msg->state.verified = true;
	msg->state.err = JP_ERR_NOT_FOUND;
	link_text(msg->state.text, "no such role: create it");
}

static inline void
link_example_welcome(struct jp_link_msg *msg)
{
	msg->welcome.version = JP_LINK_VERSION;
	memset(msg->welcome.cluster, 0xc1, sizeof(msg->welcome.cluster));
	memset(msg->welcome.tag, 0x7a, sizeof(msg->welcome.tag));
	msg->welcome.head = 1000;
	memset(msg->welcome.mac, 0xee, sizeof(msg->welcome.mac));
	msg->welcome.oldest = 800;
	msg->welcome.snapshot = 799;
	msg->welcome.has_snapshot = true;
}

static inline void
link_example_batch(struct jp_link_msg *msg)
{
	msg->batch.seq = 8;
	memset(msg->batch.id, 0x1d, sizeof(msg->batch.id));
	link_text(msg->batch.node, "proxy1");
	msg->batch.time = -1;
	memset(msg->batch.mac, 0x3a, sizeof(msg->batch.mac));
	msg->batch.len = 100;
}

static inline void
link_example_appended(struct jp_link_msg *msg)
{
	msg->appended.req = 9;
	msg->appended.result = JP_LINK_NOT_DONE;
	link_text(msg->appended.text, "the disk is full");
	link_nodes(&msg->appended.nodes, 2);
}

static inline void
link_example_leased(struct jp_link_msg *msg)
{
	msg->leased.req = 10;
	msg->leased.ok = true;
	msg->leased.head = 1000;
	memset(msg->leased.mac, 0xee, sizeof(msg->leased.mac));
}

static inline void
link_example_nodes(struct jp_link_msg *msg)
{
	link_nodes(&msg->nodes.nodes, 3);
	msg->nodes.log_batches = 200;
	msg->nodes.log_bytes = 70000;
}

static inline void
link_example_done(struct jp_link_msg *msg)
{
	msg->done.req = 11;
	msg->done.err = JP_ERR_BUSY;
	link_text(msg->done.text, "another host makes one");
}

static inline void
link_example_snapshot(struct jp_link_msg *msg)
{
	msg->snapshot.req = 5;
	msg->snapshot.seq = 1000;
	memset(msg->snapshot.mac, 0xee, sizeof(msg->snapshot.mac));
	msg->snapshot.parts = 3;
	msg->snapshot.part = 2;
	memset(msg->snapshot.part_mac, 0x9a, sizeof(msg->snapshot.part_mac));
	msg->snapshot.len = 100;
}

static inline void
link_example_request(struct jp_link_msg *msg)
{
	msg->request.req = 4;
}

/* The byte lives as long as the program runs. */
static inline void
link_example_part(struct jp_link_msg *msg)
{
	static const uint8_t byte = 0x5a;

	msg->part = (struct jp_link_part){ &byte, 1 };
}

static inline void
link_example(enum jp_link_kind kind, struct jp_link_msg *msg)
{
	static void (*const examples[JP_LINK_KINDS])(struct jp_link_msg *) = {
		[JP_LINK_HELLO] = link_example_hello,
		[JP_LINK_APPEND] = link_example_append,
		[JP_LINK_LEASE] = link_example_request,
		[JP_LINK_APPLIED] = link_example_applied,
		[JP_LINK_SNAPSHOT_PUT] = link_example_snapshot,
		[JP_LINK_SNAPSHOT_GET] = link_example_request,
		[JP_LINK_CREATE] = link_example_create,
		[JP_LINK_JOIN] = link_example_join,
		[JP_LINK_LEAVE] = link_example_of_node,
		[JP_LINK_STATUS] = link_example_request,
		[JP_LINK_PART] = link_example_part,
		[JP_LINK_STATE] = link_example_state,
		[JP_LINK_WELCOME] = link_example_welcome,
		[JP_LINK_BATCH] = link_example_batch,
		[JP_LINK_APPENDED] = link_example_appended,
		[JP_LINK_LEASED] = link_example_leased,
		[JP_LINK_NODES] = link_example_nodes,
		[JP_LINK_SNAPSHOT] = link_example_snapshot,
		[JP_LINK_DONE] = link_example_done,
		[JP_LINK_SETTLE] = link_example_of_node,
		[JP_LINK_ABANDON] = link_example_of_node,
		[JP_LINK_RELEASE] = link_example_request,
	};

	memset(msg, 0, sizeof(*msg));
	msg->kind = kind;
	examples[kind](msg);
}

/* Who sends it; of a PART, the host. */
static inline enum jp_link_side
link_sender(enum jp_link_kind kind)
{
	return kind <= JP_LINK_PART || kind > JP_LINK_DONE ? JP_LINK_SIDE_HOST
	                                                   : JP_LINK_SIDE_LINK;
}

#endif
