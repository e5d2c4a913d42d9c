/*
 * The one record of meta.db, which every commit writes: counts, the end of the
 * log, and which pepper the store was made with.
 */
#include "common/store/bdb_internal.h"

#include <string.h>

#include "common/base/buf.h"

#define HEAD_KEY "store"
#define HEAD_VERSION 4
/* With a position; stores of single hosts can go back to older versions. */
#define HEAD_VERSION_CLUSTER (HEAD_VERSION + 1)
#define HEAD_MAX 128

/* What a store in a cluster has more than others. */
static void
get_position(struct jp_buf *buf, struct jp_position *position)
{
	jp_buf_get_raw(buf, position->cluster, sizeof(position->cluster));
	position->seq = (uint64_t)jp_buf_get_i64(buf);
	jp_buf_get_raw(buf, position->mac, sizeof(position->mac));
	if (!jp_position_is_set(position))
		jp_buf_fail(buf, JP_ERR_DAMAGED);
}

static void
put_position(struct jp_buf *buf, const struct jp_position *position)
{
	jp_buf_put_raw(buf, position->cluster, sizeof(position->cluster));
	jp_buf_put_i64(buf, (int64_t)position->seq);
	jp_buf_put_raw(buf, position->mac, sizeof(position->mac));
}

static enum jp_err
decode_head(
    struct bdb *bdb, const uint8_t *bytes, size_t len, struct bdb_head *head)
{
	struct jp_buf buf;
	uint8_t version;

	jp_buf_read(&buf, bytes, len);
	version = jp_buf_get_u8(&buf);
	head->version = version;
	head->commits = (uint64_t)jp_buf_get_i64(&buf);
	head->records = (uint64_t)jp_buf_get_i64(&buf);
	head->log_file = jp_buf_get_u32(&buf);
	head->log_offset = jp_buf_get_u32(&buf);
	jp_buf_get_raw(&buf, head->tag, sizeof(head->tag));
	memset(&head->position, 0, sizeof(head->position));
	if (version == HEAD_VERSION_CLUSTER)
		get_position(&buf, &head->position);
	if (version > HEAD_VERSION_CLUSTER)
		return bdb_fail_why(bdb, JP_ERR_NEWER,
		    "the store %s was written by a newer version of jira-pat "
		    "(its format is %u, this version knows up to %d)",
		    bdb->dir, version, HEAD_VERSION_CLUSTER);
	if (version == 0 || jp_buf_end(&buf) != JP_ERR_OK)
		return bdb_fail_why(bdb, JP_ERR_DAMAGED,
		    "%s/meta.db does not hold what belongs there; restore from "
		    "a backup",
		    bdb->dir);
	return JP_ERR_OK;
}

enum jp_err
bdb_head_get(
    struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, uint32_t flags)
{
	uint8_t bytes[HEAD_MAX];
	char name[] = HEAD_KEY;
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = {
		.data = bytes, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM
	};
	DB *meta = bdb->db[BDB_META];
	int ret = meta->get(meta, txn, &key, &data, flags);

	if (ret == DB_NOTFOUND)
		data.size = 0;
	else if (ret != 0)
		return bdb_fail(bdb, ret, "reading meta.db");
	return decode_head(bdb, bytes, data.size, head);
}

enum jp_err
bdb_head_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_head *head)
{
	uint8_t bytes[HEAD_MAX];
	char name[] = HEAD_KEY;
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = { .data = bytes };
	DB *meta = bdb->db[BDB_META];
	const bool clustered = jp_position_is_set(&head->position);
	struct jp_buf buf;
	uint32_t log_file, log_offset;
	int ret = bdb_log_end(bdb, &log_file, &log_offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	jp_buf_write(&buf, bytes, sizeof(bytes));
	jp_buf_put_u8(&buf, clustered ? HEAD_VERSION_CLUSTER : HEAD_VERSION);
	jp_buf_put_i64(&buf, (int64_t)head->commits);
	jp_buf_put_i64(&buf, (int64_t)head->records);
	jp_buf_put_u32(&buf, log_file);
	jp_buf_put_u32(&buf, log_offset);
	jp_buf_put_raw(&buf, head->tag, sizeof(head->tag));
	if (clustered)
		put_position(&buf, &head->position);
	data.size = (uint32_t)buf.pos;
	ret = meta->put(meta, txn, &key, &data, 0);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "writing meta.db");
}
