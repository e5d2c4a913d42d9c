/*
 * Makes a store what it was in an older version of its format, while no patd
 * runs: without the files that came later.
 *
 *     age_store CONFIG VERSION
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decide/open.h"
#include "common/store/bdb_internal.h"
#include "common/sys/process.h"

enum {
	WAIT_MS = 10000,
	HEAD_MAX = 64,
};

/* Removes the files that are newer than `version`; 0, or what the engine says.
 */
static int
remove_newer(struct bdb *bdb, unsigned long version)
{
	int ret = 0;

	for (size_t i = 0; i < BDB_FILES && ret == 0; i++) {
		enum bdb_file file = (enum bdb_file)i;

		if (bdb_file_since(file) <= version)
			continue;
		ret = bdb->db[i]->close(bdb->db[i], 0);
		bdb->db[i] = NULL;
		if (ret == 0)
			ret = bdb->env->dbremove(bdb->env, NULL,
			    bdb_file_name(file), NULL, DB_AUTO_COMMIT);
	}
	return ret;
}

/* The version is the first byte of the record in meta.db. */
static int
set_version(struct bdb *bdb, unsigned long version)
{
	uint8_t bytes[HEAD_MAX];
	char name[] = "store";
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = {
		.data = bytes, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM
	};
	DB *meta = bdb->db[BDB_META];
	int ret = meta->get(meta, NULL, &key, &data, 0);

	if (ret != 0)
		return ret;
	bytes[0] = (uint8_t)version;
	return meta->put(meta, NULL, &key, &data, 0);
}

int
main(int argc, char **argv)
{
	unsigned long version = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct jp_settings settings;
	struct jp_why why = { .text = "" };
	struct jp_core core;
	int ret;

	if (version == 0) {
		(void)fprintf(stderr, "usage: age_store CONFIG VERSION\n");
		return 2;
	}
	jp_harden_process();
	if (jp_settings_load(argv[1], &settings, &why) != JP_ERR_OK ||
	    jp_core_open(&core, &settings, "age_store", WAIT_MS, &why) !=
	        JP_ERR_OK) {
		(void)fprintf(stderr, "age_store: %s\n", why.text);
		return 1;
	}
	ret = remove_newer(bdb_of(core.store), version);
	if (ret == 0)
		ret = set_version(bdb_of(core.store), version);
	jp_core_close(&core);
	if (ret != 0)
		(void)fprintf(stderr, "age_store: %s\n", db_strerror(ret));
	return ret == 0 ? 0 : 1;
}
