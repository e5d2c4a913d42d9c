/*
 * Reads of records by their ids, drawn evenly from all: from our store, and
 * from the same records in LMDB and in SQLite, where this was built with them.
 *
 *     store_reads copy CONFIG FOLDER          our records into the others
 *     store_reads ENGINE CONFIG FOLDER WARM COUNT
 *
 * FOLDER/ids has the ids of all records, FOLDER/lmdb and FOLDER/sqlite the
 * copies. A read gives a decoded record, whoever kept it. Standard input: an
 * empty line; see turn.h.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LMDB
#include <lmdb.h>
#endif
#ifdef HAVE_SQLITE
#include <sqlite3.h>
#endif

#include "common/decide/core.h"
#include "common/decide/open.h"
#include "common/sys/process.h"
#include "tests/bench/turn.h"

enum {
	PAGE = 256,    /* records of a listing */
	BATCH = 10000, /* records in one transaction */
	COPIES = 2,    /* the first engine of those with copies */
	LARGE_KIB = 4 << 20,
};

/* Of LMDB, address space only. */
#define MAP_BYTES ((size_t)16 << 30)

static const char *config;
static char file_name[PATH_MAX];
static struct jp_core core;
static const char *ids;
static size_t id_count;

static bool
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "store_reads: %s: %s\n", what, why);
	return false;
}

/* ---- our own ---- */

static bool
open_core(uint32_t cache_kib)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };

	if (jp_settings_load(config, &settings, &why) != JP_ERR_OK)
		return fail("settings", why.text);
	settings.cache_entries = 0;
	if (cache_kib > 0)
		settings.cache_kib = cache_kib;
	if (jp_core_open(&core, &settings, "store_reads", 0, &why) != JP_ERR_OK)
		return fail("store", why.text);
	return true;
}

static bool
own_open(void)
{
	return open_core(0);
}

/* With room for everything, and everything in it. */
static bool
own_open_cached(void)
{
	static struct jp_record page[PAGE];
	struct jp_listing listing = { .order = JP_ORDER_ID };
	size_t count = 1;

	if (!open_core(LARGE_KIB))
		return false;
	while (count > 0)
		if (jp_store_list(core.store, &listing, page, PAGE, &count) !=
		    JP_ERR_OK)
			return fail("list", "the store fails");
	return true;
}

static bool
own_get(const char *id, struct jp_record *record)
{
	return jp_store_get(core.store, id, record) == JP_ERR_OK;
}

static void
own_close(void)
{
	jp_core_close(&core);
}

/* ---- LMDB ---- */

#ifdef HAVE_LMDB
static MDB_env *lmdb;
static MDB_dbi lmdb_dbi;
static MDB_txn *lmdb_txn;

static bool
lmdb_said(int rc)
{
	return rc == 0 || fail("LMDB", mdb_strerror(rc));
}

static bool
lmdb_start(unsigned int flags, unsigned int txn_flags, unsigned int dbi_flags)
{
	return lmdb_said(mdb_env_create(&lmdb)) &&
	       lmdb_said(mdb_env_set_mapsize(lmdb, MAP_BYTES)) &&
	       lmdb_said(
	           mdb_env_open(lmdb, file_name, MDB_NOSUBDIR | flags, 0600)) &&
	       lmdb_said(mdb_txn_begin(lmdb, NULL, txn_flags, &lmdb_txn)) &&
	       lmdb_said(mdb_dbi_open(lmdb_txn, NULL, dbi_flags, &lmdb_dbi));
}

static bool
lmdb_make(void)
{
	return lmdb_start(MDB_NOSYNC, 0, MDB_CREATE);
}

static bool
lmdb_put(const char *id, uint8_t *bytes, size_t len)
{
	MDB_val key = { JP_TOKEN_ID_LEN, (void *)(uintptr_t)id };
	MDB_val data = { len, bytes };

	return lmdb_said(mdb_put(lmdb_txn, lmdb_dbi, &key, &data, MDB_APPEND));
}

static bool
lmdb_commit(bool last)
{
	return lmdb_said(mdb_txn_commit(lmdb_txn)) &&
	       (last ? lmdb_said(mdb_env_sync(lmdb, 1))
	             : lmdb_said(mdb_txn_begin(lmdb, NULL, 0, &lmdb_txn)));
}

/* The transaction stays for the next reads, as LMDB's own page advises. */
static bool
lmdb_open(void)
{
	if (!lmdb_start(MDB_RDONLY, MDB_RDONLY, 0))
		return false;
	mdb_txn_reset(lmdb_txn);
	return true;
}

static bool
lmdb_get(const char *id, struct jp_record *record)
{
	MDB_val key = { JP_TOKEN_ID_LEN, (void *)(uintptr_t)id }, data;
	bool good;

	if (!lmdb_said(mdb_txn_renew(lmdb_txn)))
		return false;
	good =
	    mdb_get(lmdb_txn, lmdb_dbi, &key, &data) == 0 &&
	    jp_record_decode(record, data.mv_data, data.mv_size) == JP_ERR_OK;
	mdb_txn_reset(lmdb_txn);
	return good;
}

static void
lmdb_close(void)
{
	mdb_env_close(lmdb);
}
#endif

/* ---- SQLite ---- */

#ifdef HAVE_SQLITE
static sqlite3 *sqlite;
static sqlite3_stmt *statement;

/* As large a cache as our store has by default. */
#define SQLITE_SETTINGS "PRAGMA journal_mode = WAL; PRAGMA cache_size = -32768;"

static bool
sqlite_said(int rc)
{
	return rc == SQLITE_OK || fail("SQLite", sqlite3_errmsg(sqlite));
}

static bool
sqlite_do(const char *words)
{
	return sqlite_said(sqlite3_exec(sqlite, words, NULL, NULL, NULL));
}

static bool
sqlite_start(const char *words)
{
	return sqlite_said(sqlite3_open(file_name, &sqlite)) &&
	       sqlite_do(SQLITE_SETTINGS) &&
	       sqlite_do("CREATE TABLE IF NOT EXISTS tokens (id BLOB PRIMARY "
	                 "KEY, record BLOB) WITHOUT ROWID") &&
	       sqlite_said(
	           sqlite3_prepare_v2(sqlite, words, -1, &statement, NULL));
}

static bool
sqlite_make(void)
{
	return sqlite_start("INSERT INTO tokens VALUES (?, ?)") &&
	       sqlite_do("BEGIN");
}

static bool
sqlite_put(const char *id, uint8_t *bytes, size_t len)
{
	(void)sqlite3_bind_blob(
	    statement, 1, id, JP_TOKEN_ID_LEN, SQLITE_STATIC);
	(void)sqlite3_bind_blob(statement, 2, bytes, (int)len, SQLITE_STATIC);
	return (sqlite3_step(statement) == SQLITE_DONE ||
	           sqlite_said(sqlite3_errcode(sqlite))) &&
	       sqlite_said(sqlite3_reset(statement));
}

static bool
sqlite_commit(bool last)
{
	return sqlite_do("COMMIT") && (last || sqlite_do("BEGIN"));
}

static bool
sqlite_open(void)
{
	return sqlite_start("SELECT record FROM tokens WHERE id = ?");
}

static bool
sqlite_get(const char *id, struct jp_record *record)
{
	bool good;

	(void)sqlite3_bind_blob(
	    statement, 1, id, JP_TOKEN_ID_LEN, SQLITE_STATIC);
	good = sqlite3_step(statement) == SQLITE_ROW &&
	       jp_record_decode(record, sqlite3_column_blob(statement, 0),
	           (size_t)sqlite3_column_bytes(statement, 0)) == JP_ERR_OK;
	(void)sqlite3_reset(statement);
	return good;
}

static void
sqlite_close(void)
{
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(sqlite);
}
#endif

/* `make`, `put` and `commit` are of the copies. */
static const struct engine {
	const char *name;
	bool (*make)(void);
	bool (*put)(const char *id, uint8_t *bytes, size_t len);
	bool (*commit)(bool last);
	bool (*open)(void);
	bool (*get)(const char *id, struct jp_record *record);
	void (*close)(void);
} engines[] = {
	{ "own", NULL, NULL, NULL, own_open, own_get, own_close },
	{ "own-cached", NULL, NULL, NULL, own_open_cached, own_get, own_close },
#ifdef HAVE_LMDB
	{ "lmdb", lmdb_make, lmdb_put, lmdb_commit, lmdb_open, lmdb_get,
	    lmdb_close },
#endif
#ifdef HAVE_SQLITE
	{ "sqlite", sqlite_make, sqlite_put, sqlite_commit, sqlite_open,
	    sqlite_get, sqlite_close },
#endif
};

#define ENGINES (sizeof(engines) / sizeof(engines[0]))

static const struct engine *engine;

static void
name_file(const char *folder, const char *name)
{
	(void)snprintf(file_name, sizeof(file_name), "%s/%s", folder, name);
}

/* ---- copying ---- */

static bool
copy_page(const struct jp_record *page, size_t count, FILE *file)
{
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;

	for (size_t i = 0; i < count; i++) {
		if (jp_record_encode(&page[i], bytes, &len) != JP_ERR_OK)
			return fail(page[i].id, "does not encode");
		if (fwrite(page[i].id, JP_TOKEN_ID_LEN + 1, 1, file) != 1)
			return fail("ids", "no room");
		for (size_t j = COPIES; j < ENGINES; j++)
			if (!engines[j].put(page[i].id, bytes, len))
				return false;
	}
	return true;
}

static bool
commit_all(bool last)
{
	for (size_t i = COPIES; i < ENGINES; i++)
		if (!engines[i].commit(last))
			return false;
	return true;
}

static bool
copy_all(FILE *file)
{
	static struct jp_record page[PAGE];
	struct jp_listing listing = { .order = JP_ORDER_ID };
	size_t count, since = 0;

	do {
		if (jp_store_list(core.store, &listing, page, PAGE, &count) !=
		    JP_ERR_OK)
			return fail("list", "the store fails");
		if (!copy_page(page, count, file))
			return false;
		since += count;
		if (since >= BATCH && !commit_all(false))
			return false;
		since = since >= BATCH ? 0 : since;
	} while (count > 0);
	return commit_all(true);
}

static int
copy(const char *folder)
{
	FILE *file;
	bool good = own_open(); /* becomes another user: before the files */

	name_file(folder, "ids");
	file = fopen(file_name, "w");
	for (size_t i = COPIES; good && i < ENGINES; i++) {
		name_file(folder, engines[i].name);
		good = engines[i].make();
	}
	good = good && file != NULL && copy_all(file);
	if (file != NULL)
		good = fclose(file) == 0 && good;
	for (size_t i = COPIES; good && i < ENGINES; i++)
		engines[i].close();
	if (good)
		own_close();
	return good ? 0 : 3;
}

/* ---- reading ---- */

static bool
map_ids(const char *folder)
{
	struct stat st;
	int fd;

	name_file(folder, "ids");
	fd = open(file_name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		return fail(file_name, "no ids");
	ids = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	(void)close(fd);
	id_count = (size_t)st.st_size / (JP_TOKEN_ID_LEN + 1);
	return ids != MAP_FAILED || fail(file_name, "cannot be mapped");
}

/* SplitMix64: the same reads for everybody. */
static uint64_t
mix(uint64_t number)
{
	number += UINT64_C(0x9e3779b97f4a7c15);
	number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
	return number ^ (number >> 31);
}

static enum turn_result
read_one(void *state, int64_t number, int kind)
{
	size_t place = (size_t)(mix((uint64_t)number) % id_count);
	static struct jp_record record;

	(void)state;
	(void)kind;
	return engine->get(ids + place * (JP_TOKEN_ID_LEN + 1), &record)
	           ? TURN_ACCEPTED
	           : TURN_FAILED;
}

static int
measure(const char *folder, const char *warm, const char *count)
{
	struct turn turn = {
		.kinds = { "all" }, .threads = 1, .operate = read_one
	};
	int status;

	turn.warm = turn_number(warm, INT32_MAX);
	turn.count = turn_number(count, INT32_MAX);
	free(turn_line());
	if (!map_ids(folder))
		return 3;
	name_file(folder, engine->name);
	if (!engine->open())
		return 3;
	status = turn_run(&turn);
	engine->close();
	return status;
}

int
main(int argc, char **argv)
{
	jp_harden_process();
	for (size_t i = 0; argc == 6 && i < ENGINES; i++)
		if (strcmp(argv[1], engines[i].name) == 0)
			engine = &engines[i];
	if (argc >= 4)
		config = argv[2];
	if (argc == 4 && strcmp(argv[1], "copy") == 0)
		return copy(argv[3]);
	if (engine != NULL)
		return measure(argv[3], argv[4], argv[5]);
	(void)fputs("Usage: store_reads copy CONFIG FOLDER\n"
	            "       store_reads ENGINE CONFIG FOLDER WARM COUNT\n",
	    stderr);
	return 2;
}
