/*
 * Writing and removing one record within a transaction.
 */
#include "common/store/bdb_internal.h"

#include <stdio.h>
#include <string.h>

static enum jp_err
fail_writing(struct bdb *bdb, int ret, const struct bdb_key *key)
{
	char doing[32];

	(void)snprintf(doing, sizeof(doing), "writing %s",
	    bdb_file_name((enum bdb_file)key->kind));
	return bdb_fail(bdb, ret, doing);
}

static DBT
key_of(const struct bdb_key *key)
{
	return (DBT){ .data = (void *)(uintptr_t)key->text,
		.size = (uint32_t)strlen(key->text) };
}

enum jp_err
bdb_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *key,
    const struct bdb_bytes *record, uint32_t flags)
{
	DB *db = bdb->db[key->kind];
	DBT name = key_of(key);
	DBT data = { .data = (void *)(uintptr_t)record->bytes,
		.size = (uint32_t)record->len };
	int ret = db->put(db, txn, &name, &data, flags);

	return ret == 0 ? JP_ERR_OK : fail_writing(bdb, ret, key);
}

enum jp_err
bdb_remove(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *key)
{
	DB *db = bdb->db[key->kind];
	DBT name = key_of(key);
	int ret = db->del(db, txn, &name, 0);

	if (ret == DB_NOTFOUND)
		return JP_ERR_NOT_FOUND;
	return ret == 0 ? JP_ERR_OK : fail_writing(bdb, ret, key);
}

enum jp_err
bdb_claim(struct bdb *bdb, DB_TXN *txn, const char *id, struct jp_record *old)
{
	uint8_t bytes[JP_RECORD_MAX];
	const struct bdb_key token = { BDB_TOKENS, id };
	DB *tokens = bdb->db[BDB_TOKENS];
	DBT key = key_of(&token);
	DBT data = bdb_room(bytes, sizeof(bytes));
	int ret = tokens->get(tokens, txn, &key, &data, DB_RMW);

	if (ret != 0)
		return bdb_fail(bdb, ret, "reading tokens.db");
	return bdb_decode(bdb, id, &data, old);
}
