/*
 *     request: "JPA4", op u8, id, user, name, why, limits, lifetime u8,
 *              expires_at i64, all u8, expiring i64, question (bytes),
 *              dead_for i64, dry_run u8, skip_known u8, batch (bytes),
 *              user_fields u8, user, grace i64, keep_until_grace u8,
 *              unused i64, clock_rule u8, parent, owner_group, uses_max u32,
 *              link_for i64, behalf: (user, token, address, staff u8),
 *              after, limit u32, search, statuses u8, summary u8,
 *              places_since i64
 *     answer:  "JPA4", kind u8 (JP_ITEM_END: the end), then
 *       item:  state u8, changed u8, reason u8, breach u8, token, record
 * (bytes; none: length 0); if its kind is JP_ITEM_STATS, then numbers (i64
 *              each): those of numbers[], then those of the statistics;
 *              if it is JP_ITEM_PIECE, name, offset i64, bytes;
 *              if it is JP_ITEM_MOVED, pepper (16 raw);
 *              if it is JP_ITEM_USER, live i64, user;
 *              if it is JP_ITEM_ROW, row u32;
 *              if it is JP_ITEM_UPSTREAM, state u8, user, and all of it but
 *              what is sealed;
 *              if it is JP_ITEM_COUNTS, live i64, how many u8, each i64;
 *              if it is JP_ITEM_CLUSTER, id (16 raw), node, link u8, text,
 *              database, flags u8, and numbers (i64 each): those of here[];
 *              if it is JP_ITEM_HOST, name, version, cut off u8, and numbers:
 *              those of host[]
 *       end:   result u8, why, refusal u8; the last from version 4 on
 */
#include "common/admin/wire.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/admin/batch.h"

_Static_assert(JP_ADMIN_MSG_MAX >= JP_RECORD_MAX + 1024 + JP_REQUEST_MAX,
    "an item with the largest record must fit into a message");
_Static_assert(JP_ADMIN_MSG_MAX >= JP_BATCH_MAX + 4096 + JP_REQUEST_MAX,
    "a request with the largest batch must fit into a message");

static const char magic[JP_MAGIC_LEN] = { 'J', 'P', 'A',
	'0' + JP_ADMIN_VERSION };

enum {
	VERSION_AT = JP_MAGIC_LEN - 1, /* in the magic; before it: any */
	REFUSAL_SINCE = '4',           /* the version with refusals */
};

/* Which of the two reads a message. */
enum reader {
	PATD,
	PAT_ADMIN,
};

/* The older one does not know what the newer one sends. */
static enum jp_err
too_old(struct jp_why *why, enum jp_err err, bool patd, const char *more)
{
	return patd ? jp_why(why, err,
	                  "patd is older than this pat-admin%s: restart patd",
	                  more)
	            : jp_why(why, err,
	                  "this pat-admin is older than patd%s: run the "
	                  "pat-admin that was installed with patd",
	                  more);
}

/* The first look at a message. */
static enum jp_err
check_version(
    const uint8_t *bytes, size_t len, enum reader reader, struct jp_why *why)
{
	int ours = JP_ADMIN_VERSION, theirs;
	char more[64];

	jp_why_clear(why);
	if (len > JP_ADMIN_MSG_MAX)
		return JP_ERR_TOO_LONG;
	if (len < JP_MAGIC_LEN || memcmp(bytes, magic, VERSION_AT) != 0)
		return JP_ERR_PROTOCOL;
	theirs = bytes[VERSION_AT] - '0';
	if (theirs == ours)
		return JP_ERR_OK;
	(void)snprintf(more, sizeof(more),
	    " (versions %d and %d of the admin protocol)",
	    theirs < ours ? theirs : ours, theirs < ours ? ours : theirs);
	return too_old(
	    why, JP_ERR_PROTOCOL, (theirs > ours) == (reader == PATD), more);
}

/* Whoever sends a number that is not known here is newer. */
static enum jp_err
explain(enum jp_err err, enum reader reader, struct jp_why *why)
{
	return err == JP_ERR_NEWER ? too_old(why, err, reader == PATD,
	                                 " and cannot read all that it sends")
	                           : err;
}

/* A number of a list to which a newer build may have appended. */
static unsigned int
get_number(struct jp_buf *buf, unsigned int count)
{
	unsigned int number = jp_buf_get_u8(buf);

	if (number < count)
		return number;
	jp_buf_fail(buf, JP_ERR_NEWER);
	return 0;
}

/* The numbers of an item that carries numbers, in this order. */
static const size_t numbers[] = {
	offsetof(struct jp_admin_item, store.records),
	offsetof(struct jp_admin_item, store.commits),
	offsetof(struct jp_admin_item, store.bytes),
	offsetof(struct jp_admin_item, store.reads),
	offsetof(struct jp_admin_item, argon2_runs),
	offsetof(struct jp_admin_item, memo.hits),
	offsetof(struct jp_admin_item, memo.misses),
	offsetof(struct jp_admin_item, memo.inserts),
	offsetof(struct jp_admin_item, memo.evictions),
	offsetof(struct jp_admin_item, memo.entries),
	offsetof(struct jp_admin_item, store.reserve),
};

/* The next part with its length in front; NULL on an error. */
static const uint8_t *
get_part(struct jp_buf *buf, size_t *len)
{
	*len = jp_buf_get_u16(buf);
	if (buf->err == JP_ERR_OK && *len > buf->cap - buf->pos)
		jp_buf_fail(buf, JP_ERR_TRUNCATED);
	if (buf->err != JP_ERR_OK)
		return NULL;
	buf->pos += *len;
	return buf->base + buf->pos - *len;
}

static void
put_question(struct jp_buf *buf, const struct jp_request *question)
{
	uint8_t bytes[JP_REQUEST_MAX];
	size_t len;
	enum jp_err err = jp_request_encode(question, bytes, &len);

	if (err != JP_ERR_OK)
		jp_buf_fail(buf, err);
	jp_buf_put_text(buf, (const char *)bytes, len);
	sodium_memzero(bytes, sizeof(bytes));
}

static void
get_question(struct jp_buf *buf, struct jp_request *question)
{
	size_t len;
	const uint8_t *bytes = get_part(buf, &len);
	enum jp_err err;

	if (bytes == NULL)
		return;
	err = jp_request_decode(question, bytes, len);
	if (err != JP_ERR_OK)
		jp_buf_fail(buf, err);
}

/* A time or a number of seconds; nothing that a sum of two could wrap. */
static int64_t
get_when(struct jp_buf *buf)
{
	int64_t when = jp_buf_get_i64(buf);

	if (jp_when_valid(when))
		return when;
	jp_buf_fail(buf, JP_ERR_INVALID);
	return JP_NEVER;
}

/* What came with version 4. */
static void
put_newer(struct jp_buf *buf, const struct jp_admin_request *request)
{
	jp_buf_put_str(buf, request->record.parent);
	jp_buf_put_str(buf, request->record.owner_group);
	jp_buf_put_u32(buf, request->record.uses_max);
	jp_buf_put_i64(buf, request->link_for);
	jp_buf_put_str(buf, request->behalf.user);
	jp_buf_put_str(buf, request->behalf.token);
	jp_buf_put_str(buf, request->behalf.address);
	jp_buf_put_u8(buf, request->behalf.staff);
	jp_buf_put_str(buf, request->after);
	jp_buf_put_u32(buf, request->limit);
	jp_buf_put_str(buf, request->search);
	jp_buf_put_u8(buf, (uint8_t)request->statuses);
	jp_buf_put_u8(buf, request->summary);
	jp_buf_put_i64(buf, request->places_since);
}

static void
get_newer(struct jp_buf *buf, struct jp_admin_request *request)
{
	struct jp_record *record = &request->record;
	struct jp_behalf *behalf = &request->behalf;

	jp_buf_get_str(buf, record->parent, sizeof(record->parent));
	jp_buf_get_str(buf, record->owner_group, sizeof(record->owner_group));
	record->uses_max = jp_buf_get_u32(buf);
	request->link_for = get_when(buf);
	jp_buf_get_str(buf, behalf->user, sizeof(behalf->user));
	jp_buf_get_str(buf, behalf->token, sizeof(behalf->token));
	jp_buf_get_str(buf, behalf->address, sizeof(behalf->address));
	behalf->staff = jp_buf_get_enum(buf, 2) == 1;
	jp_buf_get_str(buf, request->after, sizeof(request->after));
	request->limit = jp_buf_get_u32(buf);
	jp_buf_get_str(buf, request->search, sizeof(request->search));
	request->statuses = get_number(buf, 1U << JP_STATUS_COUNT);
	request->summary = jp_buf_get_enum(buf, 2) == 1;
	request->places_since = get_when(buf);
}

enum jp_err
jp_admin_request_encode(
    const struct jp_admin_request *request, uint8_t *bytes, size_t *len)
{
	const struct jp_record *record = &request->record;
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_ADMIN_MSG_MAX);
	jp_buf_put_raw(&buf, magic, JP_MAGIC_LEN);
	jp_buf_put_u8(&buf, (uint8_t)request->op);
	jp_buf_put_str(&buf, record->id);
	jp_buf_put_str(&buf, record->user);
	jp_buf_put_str(&buf, record->name);
	jp_buf_put_str(&buf, record->revoked_why);
	jp_limits_put(&buf, record);
	jp_buf_put_u8(&buf, (uint8_t)request->lifetime);
	jp_buf_put_i64(&buf, request->expires_at);
	jp_buf_put_u8(&buf, request->all);
	jp_buf_put_i64(&buf, request->expiring);
	put_question(&buf, &request->question);
	jp_buf_put_i64(&buf, request->dead_for);
	jp_buf_put_u8(&buf, request->dry_run);
	jp_buf_put_u8(&buf, request->skip_known);
	jp_buf_put_text(&buf, (const char *)request->batch, request->batch_len);
	jp_buf_put_u8(&buf, (uint8_t)request->user_fields);
	jp_user_put(&buf, &request->user);
	jp_buf_put_i64(&buf, request->grace);
	jp_buf_put_u8(&buf, request->keep_until_grace);
	jp_buf_put_i64(&buf, request->unused);
	jp_buf_put_u8(&buf, (uint8_t)request->clock_rule);
	put_newer(&buf, request);
	*len = buf.pos;
	return buf.err;
}

enum jp_err
jp_admin_request_decode(struct jp_admin_request *request, const uint8_t *bytes,
    size_t len, struct jp_why *why)
{
	struct jp_record *record = &request->record;
	struct jp_buf buf;
	enum jp_err err;

	memset(request, 0, sizeof(*request));
	err = check_version(bytes, len, PATD, why);
	if (err != JP_ERR_OK)
		return err;
	jp_buf_read(&buf, bytes, len);
	jp_buf_get_magic(&buf, magic);
	request->op = (enum jp_admin_op)get_number(&buf, JP_ADMIN_OP_COUNT);
	jp_buf_get_str(&buf, record->id, sizeof(record->id));
	jp_buf_get_str(&buf, record->user, sizeof(record->user));
	jp_buf_get_str(&buf, record->name, sizeof(record->name));
	jp_buf_get_str(&buf, record->revoked_why, sizeof(record->revoked_why));
	jp_limits_get(&buf, record);
	request->lifetime =
	    (enum jp_lifetime)get_number(&buf, JP_LIFETIME_UNTIL + 1);
	request->expires_at = get_when(&buf);
	request->all = jp_buf_get_enum(&buf, 2) == 1;
	request->expiring = get_when(&buf);
	get_question(&buf, &request->question);
	request->dead_for = get_when(&buf);
	request->dry_run = jp_buf_get_enum(&buf, 2) == 1;
	request->skip_known = jp_buf_get_enum(&buf, 2) == 1;
	request->batch = get_part(&buf, &request->batch_len);
	request->user_fields = get_number(&buf, JP_USER_FIELDS + 1);
	jp_user_get(&buf, &request->user);
	if (!jp_when_valid(request->user.changed_at))
		jp_buf_fail(&buf, JP_ERR_INVALID);
	request->grace = get_when(&buf);
	request->keep_until_grace = jp_buf_get_enum(&buf, 2) == 1;
	request->unused = get_when(&buf);
	request->clock_rule =
	    (enum jp_clock_rule)get_number(&buf, JP_CLOCK_TRUST + 1);
	get_newer(&buf, request);
	err = explain(jp_buf_end(&buf), PATD, why);
	if (err != JP_ERR_OK)
		sodium_memzero(request, sizeof(*request));
	return err;
}

static void
put_record(struct jp_buf *buf, const struct jp_record *record)
{
	uint8_t bytes[JP_RECORD_MAX];
	size_t len = 0;
	enum jp_err err = JP_ERR_OK;

	if (record->id[0] != '\0')
		err = jp_record_encode(record, bytes, &len);
	if (err != JP_ERR_OK)
		jp_buf_fail(buf, err);
	jp_buf_put_text(buf, (const char *)bytes, len);
}

static void
get_record(struct jp_buf *buf, struct jp_record *record)
{
	size_t len;
	const uint8_t *bytes = get_part(buf, &len);
	enum jp_err err;

	if (bytes == NULL || len == 0)
		return;
	err = jp_record_decode(record, bytes, len);
	if (err != JP_ERR_OK)
		jp_buf_fail(buf, err);
}

/* Numbers of an item, and where they are. */
struct offsets {
	size_t len;
	const size_t *at;
};

static void
put_all(struct jp_buf *buf, const struct jp_admin_item *item,
    const struct offsets *offsets)
{
	for (size_t i = 0; i < offsets->len; i++) {
		uint64_t number;

		memcpy(&number, (const char *)item + offsets->at[i],
		    sizeof(number));
		jp_buf_put_i64(buf, (int64_t)number);
	}
}

static void
get_all(struct jp_buf *buf, struct jp_admin_item *item,
    const struct offsets *offsets)
{
	for (size_t i = 0; i < offsets->len; i++) {
		uint64_t number = (uint64_t)jp_buf_get_i64(buf);

		memcpy((char *)item + offsets->at[i], &number, sizeof(number));
	}
}

static const struct offsets stats_numbers = {
	sizeof(numbers) / sizeof(numbers[0]),
	numbers,
};

static void
put_numbers(struct jp_buf *buf, const struct jp_admin_item *item)
{
	put_all(buf, item, &stats_numbers);
	jp_stats_put(buf, &item->stats);
}

static void
get_numbers(struct jp_buf *buf, struct jp_admin_item *item)
{
	get_all(buf, item, &stats_numbers);
	jp_stats_get(buf, &item->stats);
}

static void
put_piece(struct jp_buf *buf, const struct jp_admin_item *item)
{
	const struct jp_piece *piece = &item->piece;

	jp_buf_put_str(buf, piece->name);
	jp_buf_put_i64(buf, (int64_t)piece->offset);
	jp_buf_put_text(buf, (const char *)piece->bytes, piece->len);
}

/* The bytes stay where they are, in the message. */
static void
get_piece(struct jp_buf *buf, struct jp_admin_item *item)
{
	struct jp_piece *piece = &item->piece;

	jp_buf_get_str(buf, item->piece_name, sizeof(item->piece_name));
	piece->name = item->piece_name;
	piece->offset = (uint64_t)jp_buf_get_i64(buf);
	piece->bytes = get_part(buf, &piece->len);
}

static void
put_user(struct jp_buf *buf, const struct jp_admin_item *item)
{
	jp_buf_put_i64(buf, (int64_t)item->live);
	jp_user_put(buf, &item->user);
}

static void
get_user(struct jp_buf *buf, struct jp_admin_item *item)
{
	item->live = (uint64_t)jp_buf_get_i64(buf);
	jp_user_get(buf, &item->user);
}

static void
put_pepper(struct jp_buf *buf, const struct jp_admin_item *item)
{
	jp_buf_put_raw(buf, item->pepper, sizeof(item->pepper));
}

static void
get_pepper(struct jp_buf *buf, struct jp_admin_item *item)
{
	jp_buf_get_raw(buf, item->pepper, sizeof(item->pepper));
}

static void
put_row(struct jp_buf *buf, const struct jp_admin_item *item)
{
	jp_buf_put_u32(buf, item->row);
}

static void
get_row(struct jp_buf *buf, struct jp_admin_item *item)
{
	item->row = jp_buf_get_u32(buf);
}

static void
put_upstream(struct jp_buf *buf, const struct jp_admin_item *item)
{
	jp_buf_put_u8(buf, (uint8_t)item->upstream_state);
	jp_buf_put_str(buf, item->user.name);
	jp_upstream_put(buf, &item->upstream);
}

static void
get_upstream(struct jp_buf *buf, struct jp_admin_item *item)
{
	item->upstream_state =
	    (enum jp_upstream_state)get_number(buf, JP_UPSTREAM_STATE_COUNT);
	jp_buf_get_str(buf, item->user.name, sizeof(item->user.name));
	jp_upstream_get(buf, &item->upstream);
}

static void
put_counts(struct jp_buf *buf, const struct jp_admin_item *item)
{
	jp_buf_put_i64(buf, (int64_t)item->live);
	jp_buf_put_u8(buf, JP_BREACH_COUNT_OF);
	for (size_t i = 0; i < JP_BREACH_COUNT_OF; i++)
		jp_buf_put_i64(buf, (int64_t)item->breaches[i]);
}

/* As many as we know: one more is of a newer build. */
static void
get_counts(struct jp_buf *buf, struct jp_admin_item *item)
{
	item->live = (uint64_t)jp_buf_get_i64(buf);
	if (get_number(buf, JP_BREACH_COUNT_OF + 1) != JP_BREACH_COUNT_OF)
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
	for (size_t i = 0; i < JP_BREACH_COUNT_OF; i++)
		item->breaches[i] = (uint64_t)jp_buf_get_i64(buf);
}

static const size_t here_at[] = {
	offsetof(struct jp_admin_item, here.applied),
	offsetof(struct jp_admin_item, here.head),
	offsetof(struct jp_admin_item, here.lease_ms),
	offsetof(struct jp_admin_item, here.lease_left_ms),
	offsetof(struct jp_admin_item, here.grants),
	offsetof(struct jp_admin_item, here.lapses),
	offsetof(struct jp_admin_item, here.commits),
	offsetof(struct jp_admin_item, here.conflicts),
	offsetof(struct jp_admin_item, here.batches),
	offsetof(struct jp_admin_item, here.refused),
	offsetof(struct jp_admin_item, here.unavailable),
	offsetof(struct jp_admin_item, here.waits),
	offsetof(struct jp_admin_item, here.late),
	offsetof(struct jp_admin_item, here.connections),
};
static const struct offsets here_numbers = {
	sizeof(here_at) / sizeof(here_at[0]),
	here_at,
};

static const size_t host_at[] = {
	offsetof(struct jp_admin_item, host.applied),
	offsetof(struct jp_admin_item, host.grants),
	offsetof(struct jp_admin_item, host.lease_ms),
	offsetof(struct jp_admin_item, host.contact_ms),
};
static const struct offsets host_numbers = {
	sizeof(host_at) / sizeof(host_at[0]),
	host_at,
};

/* In the flags of a message. */
enum {
	PRIMARY = 1,
	TLS = 2,
	SYNCHRONOUS = 4,
};

static void
put_here(struct jp_buf *buf, const struct jp_admin_item *item)
{
	const struct jp_cluster_here *here = &item->here;

	jp_buf_put_raw(buf, here->id, sizeof(here->id));
	jp_buf_put_str(buf, here->node);
	jp_buf_put_u8(buf, (uint8_t)here->link);
	jp_buf_put_str(buf, here->text);
	jp_buf_put_str(buf, here->database);
	jp_buf_put_u8(buf,
	    (uint8_t)((here->primary ? PRIMARY : 0) | (here->tls ? TLS : 0) |
	              (here->synchronous ? SYNCHRONOUS : 0)));
	put_all(buf, item, &here_numbers);
}

static void
get_here(struct jp_buf *buf, struct jp_admin_item *item)
{
	struct jp_cluster_here *here = &item->here;
	unsigned int flags;

	jp_buf_get_raw(buf, here->id, sizeof(here->id));
	jp_buf_get_str(buf, here->node, sizeof(here->node));
	here->link =
	    (enum jp_cluster_link)get_number(buf, JP_CLUSTER_LINK_COUNT);
	jp_buf_get_str(buf, here->text, sizeof(here->text));
	jp_buf_get_str(buf, here->database, sizeof(here->database));
	flags = get_number(buf, 2 * SYNCHRONOUS);
	here->primary = (flags & PRIMARY) != 0;
	here->tls = (flags & TLS) != 0;
	here->synchronous = (flags & SYNCHRONOUS) != 0;
	get_all(buf, item, &here_numbers);
}

static void
put_host(struct jp_buf *buf, const struct jp_admin_item *item)
{
	const struct jp_cluster_node *host = &item->host;

	jp_buf_put_str(buf, host->name);
	jp_buf_put_str(buf, host->version);
	jp_buf_put_u8(buf, host->cut_off);
	put_all(buf, item, &host_numbers);
}

static void
get_host(struct jp_buf *buf, struct jp_admin_item *item)
{
	struct jp_cluster_node *host = &item->host;

	jp_buf_get_str(buf, host->name, sizeof(host->name));
	jp_buf_get_str(buf, host->version, sizeof(host->version));
	host->cut_off = jp_buf_get_enum(buf, 2) == 1;
	get_all(buf, item, &host_numbers);
}

static void
put_nothing(struct jp_buf *buf, const struct jp_admin_item *item)
{
	(void)buf;
	(void)item;
}

static void
get_nothing(struct jp_buf *buf, struct jp_admin_item *item)
{
	(void)buf;
	(void)item;
}

static const struct {
	void (*put)(struct jp_buf *buf, const struct jp_admin_item *item);
	void (*get)(struct jp_buf *buf, struct jp_admin_item *item);
} more[JP_ITEM_COUNT] = {
#define JP_ADMIN_ITEM_MORE(code, number, more)                                 \
	[number] = { put_##more, get_##more },
	JP_ADMIN_ITEM_LIST(JP_ADMIN_ITEM_MORE)
#undef JP_ADMIN_ITEM_MORE
};

enum jp_err
jp_admin_item_encode(
    const struct jp_admin_item *item, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_ADMIN_MSG_MAX);
	jp_buf_put_raw(&buf, magic, JP_MAGIC_LEN);
	jp_buf_put_u8(&buf, (uint8_t)item->kind);
	jp_buf_put_u8(&buf, (uint8_t)item->state);
	jp_buf_put_u8(&buf, item->changed);
	jp_buf_put_u8(&buf, (uint8_t)item->reason);
	jp_buf_put_u8(&buf, (uint8_t)item->breach);
	jp_buf_put_text(&buf, item->token.text, item->token.len);
	put_record(&buf, &item->record);
	more[item->kind].put(&buf, item);
	*len = buf.pos;
	return buf.err;
}

static enum jp_err
encode_end(const void *start, enum jp_err result, const struct jp_why *why,
    uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_ADMIN_MSG_MAX);
	jp_buf_put_raw(&buf, start, JP_MAGIC_LEN);
	jp_buf_put_u8(&buf, JP_ITEM_END);
	jp_buf_put_u8(&buf, (uint8_t)result);
	jp_buf_put_str(&buf, why->text);
	if (((const uint8_t *)start)[VERSION_AT] >= REFUSAL_SINCE)
		jp_buf_put_u8(&buf, (uint8_t)why->refusal);
	*len = buf.pos;
	return buf.err;
}

enum jp_err
jp_admin_end_encode(
    enum jp_err result, const struct jp_why *why, uint8_t *bytes, size_t *len)
{
	return encode_end(magic, result, why, bytes, len);
}

enum jp_err
jp_admin_refusal_encode(const uint8_t request[JP_MAGIC_LEN], enum jp_err result,
    const struct jp_why *why, uint8_t *bytes, size_t *len)
{
	return memcmp(request, magic, VERSION_AT) == 0
	           ? encode_end(request, result, why, bytes, len)
	           : JP_ERR_PROTOCOL;
}

static void
get_item(struct jp_buf *buf, struct jp_admin_item *item)
{
	item->state = (enum jp_state)get_number(buf, JP_STATE_COUNT);
	item->changed = jp_buf_get_enum(buf, 2) == 1;
	item->reason = (enum jp_reason)get_number(buf, JP_REASON_COUNT);
	item->breach = (enum jp_breach)get_number(buf, JP_BREACH_COUNT_OF);
	item->token.len =
	    jp_buf_get_str(buf, item->token.text, sizeof(item->token.text));
	get_record(buf, &item->record);
	more[item->kind].get(buf, item);
}

enum jp_err
jp_admin_answer_decode(const uint8_t *bytes, size_t len, bool *end,
    struct jp_admin_item *item, enum jp_err *result, struct jp_why *why)
{
	struct jp_buf buf;
	unsigned int kind;
	enum jp_err err;

	memset(item, 0, sizeof(*item));
	*end = false;
	err = check_version(bytes, len, PAT_ADMIN, why);
	if (err != JP_ERR_OK)
		return err;
	jp_buf_read(&buf, bytes, len);
	jp_buf_get_magic(&buf, magic);
	kind = get_number(&buf, JP_ITEM_COUNT);
	*end = kind == JP_ITEM_END;
	if (*end) {
		*result = (enum jp_err)get_number(&buf, JP_ERR_COUNT);
		jp_buf_get_str(&buf, why->text, sizeof(why->text));
		why->refusal =
		    (enum jp_refusal)get_number(&buf, JP_REFUSAL_COUNT);
	} else {
		item->kind = (enum jp_admin_kind)kind;
		get_item(&buf, item);
	}
	err = explain(jp_buf_end(&buf), PAT_ADMIN, why);
	if (err != JP_ERR_OK)
		sodium_memzero(item, sizeof(*item));
	return err;
}
