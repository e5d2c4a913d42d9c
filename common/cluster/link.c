#include "common/cluster/link.h"

#include <string.h>

#include "common/base/text.h"

_Static_assert(JP_LINK_NODES_MAX *(2 + JP_LINK_NAME_MAX + 3 * 8 + 4 + 2 +
                                   JP_LINK_BUILD_MAX + 1) +
                       JP_LINK_TEXT_MAX + 256 <=
                   JP_LINK_MSG_MAX,
    "all nodes must fit into a message");

static const char magic[JP_MAGIC_LEN] = { 'J', 'P', 'C', '1' };

/* ---- kinds ---- */

static const struct kind {
	const char *name;
	enum jp_link_side sender;
} kinds[JP_LINK_KINDS] = {
#define KIND(code, number, text, side) [number] = { text, JP_LINK_SIDE_##side },
	JP_LINK_LIST(KIND)
#undef KIND
};

static bool
is_kind(unsigned int kind)
{
	return kind < JP_LINK_KINDS && kinds[kind].name != NULL;
}

const char *
jp_link_kind_name(enum jp_link_kind kind)
{
	return is_kind(kind) ? kinds[kind].name : "unknown";
}

bool
jp_link_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789._-";
	size_t len = strnlen(name, JP_LINK_NAME_MAX + 1);

	return len > 0 && len <= JP_LINK_NAME_MAX &&
	       strspn(name, allowed) == len;
}

/* ---- fields ---- */

enum type {
	FLAG,       /* bool */
	STATE,      /* enum jp_link_state */
	RESULT,     /* enum jp_link_result */
	ERR,        /* enum jp_err */
	U16,        /* uint16_t */
	U32,        /* uint32_t */
	LENGTH,     /* uint32_t: bytes that follow */
	LEASE_MS,   /* uint32_t */
	GRANTED_MS, /* uint32_t: likewise, or 0: it has none */
	PARTS,      /* uint32_t */
	U64,        /* uint64_t below 2^63 */
	TIME,       /* int64_t: any */
	AGE,        /* int64_t: milliseconds, or -1 */
	RAW,        /* bytes */
	TEXT,       /* char[] for people */
	NAME,       /* char[]: of a node */
	NODES,      /* struct jp_link_nodes but for its head and MAC */
	TYPES
};

/* One row: a field of a struct, where it is, and how large. */
struct field {
	uint8_t kind; /* of the messages that have it; 0: of a node */
	uint8_t type;
	uint16_t at, size;
};

#define FIELD(kind, type, of, field)                                           \
	{                                                                      \
		kind, type, offsetof(struct jp_link_msg, of.field),            \
		    sizeof(((struct jp_link_msg *)0)->of.field)                \
	}
#define NODE_FIELD(type, field)                                                \
	{                                                                      \
		0, type, offsetof(struct jp_link_node, field),                 \
		    sizeof(((struct jp_link_node *)0)->field)                  \
	}

/* A message is its rows, in this order. */
static const struct field fields[] = {
	FIELD(JP_LINK_HELLO, U16, hello, version),
	FIELD(JP_LINK_HELLO, RAW, hello, cluster),
	FIELD(JP_LINK_HELLO, NAME, hello, node),
	FIELD(JP_LINK_HELLO, LEASE_MS, hello, lease_ms),
	FIELD(JP_LINK_HELLO, U64, hello, applied),
	FIELD(JP_LINK_HELLO, RAW, hello, mac),
	FIELD(JP_LINK_HELLO, TEXT, hello, release),
	FIELD(JP_LINK_HELLO, RAW, hello, holder),
	FIELD(JP_LINK_APPEND, U32, append, req),
	FIELD(JP_LINK_APPEND, U64, append, expected),
	FIELD(JP_LINK_APPEND, RAW, append, id),
	FIELD(JP_LINK_APPEND, TIME, append, time),
	FIELD(JP_LINK_APPEND, RAW, append, mac),
	FIELD(JP_LINK_APPEND, LENGTH, append, len),
	FIELD(JP_LINK_LEASE, U32, request, req),
	FIELD(JP_LINK_APPLIED, U64, applied, seq),
	FIELD(JP_LINK_SNAPSHOT_PUT, U32, snapshot, req),
	FIELD(JP_LINK_SNAPSHOT_PUT, U64, snapshot, seq),
	FIELD(JP_LINK_SNAPSHOT_PUT, RAW, snapshot, mac),
	FIELD(JP_LINK_SNAPSHOT_PUT, PARTS, snapshot, parts),
	FIELD(JP_LINK_SNAPSHOT_PUT, U32, snapshot, part),
	FIELD(JP_LINK_SNAPSHOT_PUT, RAW, snapshot, part_mac),
	FIELD(JP_LINK_SNAPSHOT_PUT, LENGTH, snapshot, len),
	FIELD(JP_LINK_SNAPSHOT_GET, U32, request, req),
	FIELD(JP_LINK_CREATE, U32, create, req),
	FIELD(JP_LINK_CREATE, RAW, create, cluster),
	FIELD(JP_LINK_CREATE, RAW, create, tag),
	FIELD(JP_LINK_CREATE, RAW, create, mac),
	FIELD(JP_LINK_JOIN, U32, join, req),
	FIELD(JP_LINK_JOIN, NAME, join, node),
	FIELD(JP_LINK_JOIN, RAW, join, tag),
	FIELD(JP_LINK_LEAVE, U32, of_node, req),
	FIELD(JP_LINK_LEAVE, NAME, of_node, node),
	FIELD(JP_LINK_STATUS, U32, request, req),
	FIELD(JP_LINK_STATE, STATE, state, state),
	FIELD(JP_LINK_STATE, TEXT, state, database),
	FIELD(JP_LINK_STATE, FLAG, state, primary),
	FIELD(JP_LINK_STATE, FLAG, state, tls),
	FIELD(JP_LINK_STATE, FLAG, state, verified),
	FIELD(JP_LINK_STATE, FLAG, state, synchronous),
	FIELD(JP_LINK_STATE, ERR, state, err),
	FIELD(JP_LINK_STATE, TEXT, state, text),
	FIELD(JP_LINK_WELCOME, U16, welcome, version),
	FIELD(JP_LINK_WELCOME, RAW, welcome, cluster),
	FIELD(JP_LINK_WELCOME, RAW, welcome, tag),
	FIELD(JP_LINK_WELCOME, U64, welcome, head),
	FIELD(JP_LINK_WELCOME, RAW, welcome, mac),
	FIELD(JP_LINK_WELCOME, U64, welcome, oldest),
	FIELD(JP_LINK_WELCOME, U64, welcome, snapshot),
	FIELD(JP_LINK_WELCOME, FLAG, welcome, has_snapshot),
	FIELD(JP_LINK_BATCH, U64, batch, seq),
	FIELD(JP_LINK_BATCH, RAW, batch, id),
	FIELD(JP_LINK_BATCH, NAME, batch, node),
	FIELD(JP_LINK_BATCH, TIME, batch, time),
	FIELD(JP_LINK_BATCH, RAW, batch, mac),
	FIELD(JP_LINK_BATCH, LENGTH, batch, len),
	FIELD(JP_LINK_APPENDED, U32, appended, req),
	FIELD(JP_LINK_APPENDED, RESULT, appended, result),
	FIELD(JP_LINK_APPENDED, TEXT, appended, text),
	FIELD(JP_LINK_APPENDED, U64, appended, nodes.head),
	FIELD(JP_LINK_APPENDED, RAW, appended, nodes.mac),
	FIELD(JP_LINK_APPENDED, NODES, appended, nodes),
	FIELD(JP_LINK_LEASED, U32, leased, req),
	FIELD(JP_LINK_LEASED, FLAG, leased, ok),
	FIELD(JP_LINK_LEASED, U64, leased, head),
	FIELD(JP_LINK_LEASED, RAW, leased, mac),
	FIELD(JP_LINK_LEASED, TEXT, leased, text),
	FIELD(JP_LINK_NODES, U64, nodes, nodes.head),
	FIELD(JP_LINK_NODES, RAW, nodes, nodes.mac),
	FIELD(JP_LINK_NODES, NODES, nodes, nodes),
	FIELD(JP_LINK_NODES, U64, nodes, log_batches),
	FIELD(JP_LINK_NODES, U64, nodes, log_bytes),
	FIELD(JP_LINK_SNAPSHOT, U32, snapshot, req),
	FIELD(JP_LINK_SNAPSHOT, U64, snapshot, seq),
	FIELD(JP_LINK_SNAPSHOT, RAW, snapshot, mac),
	FIELD(JP_LINK_SNAPSHOT, PARTS, snapshot, parts),
	FIELD(JP_LINK_SNAPSHOT, U32, snapshot, part),
	FIELD(JP_LINK_SNAPSHOT, RAW, snapshot, part_mac),
	FIELD(JP_LINK_SNAPSHOT, LENGTH, snapshot, len),
	FIELD(JP_LINK_DONE, U32, done, req),
	FIELD(JP_LINK_DONE, ERR, done, err),
	FIELD(JP_LINK_DONE, TEXT, done, text),
	FIELD(JP_LINK_SETTLE, U32, of_node, req),
	FIELD(JP_LINK_SETTLE, NAME, of_node, node),
	FIELD(JP_LINK_ABANDON, U32, of_node, req),
	FIELD(JP_LINK_ABANDON, NAME, of_node, node),
	FIELD(JP_LINK_RELEASE, U32, request, req),
};

static const struct field node_fields[] = {
	NODE_FIELD(NAME, name),
	NODE_FIELD(U64, applied),
	NODE_FIELD(U64, grants),
	NODE_FIELD(GRANTED_MS, lease_ms),
	NODE_FIELD(AGE, contact_ms),
	NODE_FIELD(TEXT, version),
	NODE_FIELD(FLAG, gone),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- one walk for both directions ---- */

/*
 * A field is written from where it lies, or read to there. Nothing is written
 * that the other side would refuse.
 */
struct walk {
	struct jp_buf buf;
	bool writes;
	const struct field *field; /* its row */
};

static void walk_fields(struct walk *walk, const struct field *rows,
    size_t count, uint8_t kind, void *base);

static void
need(struct walk *walk, bool right, enum jp_err err)
{
	if (!right)
		jp_buf_fail(&walk->buf, err);
}

/* How each number is bounded. */
static const struct range {
	int64_t min, max;
} ranges[TYPES] = {
	[FLAG] = { 0, 1 },
	[STATE] = { 0, JP_LINK_STATES - 1 },
	[RESULT] = { 0, JP_LINK_RESULTS - 1 },
	[ERR] = { 0, JP_ERR_COUNT - 1 },
	[U16] = { 0, UINT16_MAX },
	[U32] = { 0, UINT32_MAX },
	[LENGTH] = { 0, JP_LINK_BYTES_MAX },
	[LEASE_MS] = { JP_LINK_LEASE_MIN_MS, JP_LINK_LEASE_MAX_MS },
	[GRANTED_MS] = { 0, JP_LINK_LEASE_MAX_MS },
	[PARTS] = { 1, JP_LINK_PARTS_MAX },
	[U64] = { 0, INT64_MAX },
	[TIME] = { INT64_MIN, INT64_MAX },
	[AGE] = { -1, INT64_MAX },
};

/* Refuses a number out of its range. */
static int64_t
bounded(struct walk *walk, int64_t value)
{
	const struct range *range = &ranges[walk->field->type];

	need(walk, value >= range->min && value <= range->max, JP_ERR_INVALID);
	return walk->buf.err == JP_ERR_OK ? value : range->min;
}

static void
walk_flag(struct walk *walk, void *at)
{
	bool *flag = at;

	if (walk->writes)
		jp_buf_put_u8(&walk->buf, *flag);
	else
		*flag = bounded(walk, jp_buf_get_u8(&walk->buf)) != 0;
}

/* The enums of the messages are all of the size of an int. */
static void
walk_enum(struct walk *walk, void *at)
{
	unsigned int value;

	_Static_assert(sizeof(enum jp_err) == sizeof(value) &&
	                   sizeof(enum jp_link_state) == sizeof(value) &&
	                   sizeof(enum jp_link_result) == sizeof(value),
	    "an enum of another size");
	if (walk->writes) {
		memcpy(&value, at, sizeof(value));
		jp_buf_put_u8(&walk->buf, (uint8_t)bounded(walk, value));
	} else {
		value = (unsigned int)bounded(walk, jp_buf_get_u8(&walk->buf));
		memcpy(at, &value, sizeof(value));
	}
}

static void
walk_u16(struct walk *walk, void *at)
{
	uint16_t *value = at;

	if (walk->writes)
		jp_buf_put_u16(&walk->buf, *value);
	else
		*value = jp_buf_get_u16(&walk->buf);
}

static void
walk_u32(struct walk *walk, void *at)
{
	uint32_t *value = at;

	if (walk->writes)
		jp_buf_put_u32(&walk->buf, (uint32_t)bounded(walk, *value));
	else
		*value = (uint32_t)bounded(walk, jp_buf_get_u32(&walk->buf));
}

static void
walk_u64(struct walk *walk, void *at)
{
	uint64_t *value = at;

	if (walk->writes)
		jp_buf_put_i64(&walk->buf, bounded(walk, (int64_t)*value));
	else
		*value = (uint64_t)bounded(walk, jp_buf_get_i64(&walk->buf));
}

static void
walk_i64(struct walk *walk, void *at)
{
	int64_t *value = at;

	if (walk->writes)
		jp_buf_put_i64(&walk->buf, bounded(walk, *value));
	else
		*value = bounded(walk, jp_buf_get_i64(&walk->buf));
}

static void
walk_raw(struct walk *walk, void *at)
{
	if (walk->writes)
		jp_buf_put_raw(&walk->buf, at, walk->field->size);
	else
		jp_buf_get_raw(&walk->buf, at, walk->field->size);
}

/* What the database says is shown to people. */
static bool
text_is_fine(const char *text)
{
	struct jp_why ignored;

	return text[0] == '\0' || jp_text_check("text", text, JP_LINK_TEXT_MAX,
	                              &ignored) == JP_ERR_OK;
}

static void
walk_str(struct walk *walk, char *text, bool (*is_fine)(const char *text))
{
	size_t size = walk->field->size;

	if (!walk->writes)
		(void)jp_buf_get_str(&walk->buf, text, size);
	need(walk, strnlen(text, size) < size, JP_ERR_TOO_LONG);
	if (walk->buf.err == JP_ERR_OK)
		need(walk, is_fine(text), JP_ERR_INVALID);
	if (walk->writes && walk->buf.err == JP_ERR_OK)
		jp_buf_put_str(&walk->buf, text);
}

static void
walk_text(struct walk *walk, void *at)
{
	walk_str(walk, at, text_is_fine);
}

static void
walk_name(struct walk *walk, void *at)
{
	walk_str(walk, at, jp_link_name_valid);
}

/* In the order of their names, so that none is there twice. */
static void
walk_nodes(struct walk *walk, void *at)
{
	struct jp_link_nodes *nodes = at;

	walk_u16(walk, &nodes->len);
	need(walk, nodes->len <= JP_LINK_NODES_MAX, JP_ERR_TOO_LONG);
	for (size_t i = 0; walk->buf.err == JP_ERR_OK && i < nodes->len; i++) {
		struct jp_link_node *node = &nodes->of[i];

		walk_fields(walk, node_fields, COUNT(node_fields), 0, node);
		need(walk, i == 0 || strcmp(node[-1].name, node->name) < 0,
		    JP_ERR_INVALID);
	}
}

static void (*const walks[TYPES])(struct walk *walk, void *at) = {
	[FLAG] = walk_flag,
	[STATE] = walk_enum,
	[RESULT] = walk_enum,
	[ERR] = walk_enum,
	[U16] = walk_u16,
	[U32] = walk_u32,
	[LENGTH] = walk_u32,
	[LEASE_MS] = walk_u32,
	[GRANTED_MS] = walk_u32,
	[PARTS] = walk_u32,
	[U64] = walk_u64,
	[TIME] = walk_i64,
	[AGE] = walk_i64,
	[RAW] = walk_raw,
	[TEXT] = walk_text,
	[NAME] = walk_name,
	[NODES] = walk_nodes,
};

static void
walk_fields(struct walk *walk, const struct field *rows, size_t count,
    uint8_t kind, void *base)
{
	for (size_t i = 0; walk->buf.err == JP_ERR_OK && i < count; i++)
		if (rows[i].kind == kind) {
			walk->field = &rows[i];
			walks[rows[i].type](walk, (uint8_t *)base + rows[i].at);
		}
}

/* The one kind that is no row: all that is left is its bytes. */
static void
walk_part(struct walk *walk, struct jp_link_part *part)
{
	struct jp_buf *buf = &walk->buf;

	if (!walk->writes && buf->err == JP_ERR_OK) {
		part->bytes = buf->base + buf->pos;
		part->len = buf->cap - buf->pos;
		buf->pos = buf->cap;
	}
	need(walk, part->len > 0, JP_ERR_INVALID);
	need(walk, part->len <= JP_LINK_PART_MAX, JP_ERR_TOO_LONG);
	if (walk->writes && buf->err == JP_ERR_OK)
		jp_buf_put_raw(buf, part->bytes, part->len);
}

static void
walk_msg(struct walk *walk, struct jp_link_msg *msg)
{
	const struct jp_link_snapshot *snapshot = &msg->snapshot;

	walk_fields(walk, fields, COUNT(fields), (uint8_t)msg->kind, msg);
	if (msg->kind == JP_LINK_PART)
		walk_part(walk, &msg->part);
	if (msg->kind == JP_LINK_SNAPSHOT || msg->kind == JP_LINK_SNAPSHOT_PUT)
		need(walk, snapshot->part < snapshot->parts, JP_ERR_INVALID);
}

enum jp_err
jp_link_encode(const struct jp_link_msg *msg, uint8_t *bytes, size_t *len)
{
	struct walk walk = { .writes = true };

	*len = 0;
	if (!is_kind((unsigned int)msg->kind))
		return JP_ERR_INVALID;
	jp_buf_write(&walk.buf, bytes, JP_LINK_MSG_MAX);
	jp_buf_put_raw(&walk.buf, magic, sizeof(magic));
	jp_buf_put_u8(&walk.buf, (uint8_t)msg->kind);
	/* A walk that writes changes nothing in it. */
	walk_msg(&walk, (struct jp_link_msg *)(uintptr_t)msg);
	if (walk.buf.err == JP_ERR_OK)
		*len = walk.buf.pos;
	return walk.buf.err;
}

enum jp_err
jp_link_decode(struct jp_link_msg *msg, enum jp_link_side sender,
    const uint8_t *bytes, size_t len)
{
	struct walk walk = { .writes = false };
	unsigned int kind;
	enum jp_err err;

	memset(msg, 0, sizeof(*msg));
	if (len > JP_LINK_MSG_MAX)
		return JP_ERR_TOO_LONG;
	jp_buf_read(&walk.buf, bytes, len);
	jp_buf_get_magic(&walk.buf, magic);
	kind = jp_buf_get_enum(&walk.buf, JP_LINK_KINDS);
	need(&walk, is_kind(kind) && (kinds[kind].sender & sender) != 0,
	    JP_ERR_PROTOCOL);
	if (walk.buf.err == JP_ERR_OK) {
		msg->kind = (enum jp_link_kind)kind;
		walk_msg(&walk, msg);
	}
	err = jp_buf_end(&walk.buf);
	if (err != JP_ERR_OK)
		memset(msg, 0, sizeof(*msg));
	return err;
}
