/*
 * Prints a store as it is encoded, for comparison with those of other hosts:
 * its position, then each record. One line each:
 *
 *     position CLUSTER SEQ MAC
 *     FILE KEY BYTES
 *
 * in hexadecimal digits, but SEQ and FILE (a number of store/batch.h).
 *
 *     store_dump CONFIG
 *
 * No patd may run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decide/core.h"
#include "common/decide/open.h"
#include "common/store/batch.h"
#include "common/sys/process.h"

enum {
	WAIT_MS = 10000, /* for a patd that is just leaving */
	PART = 1 << 20,  /* bytes at a time */
};

static void
print_hex(const uint8_t *bytes, size_t len)
{
	(void)putchar(' ');
	for (size_t i = 0; i < len; i++)
		(void)printf("%02x", bytes[i]);
}

static enum jp_err
print_position(struct jp_store *store)
{
	struct jp_position position;
	enum jp_err err = jp_store_position(store, &position);

	if (err != JP_ERR_OK)
		return err;
	(void)printf("position");
	print_hex(position.cluster, sizeof(position.cluster));
	(void)printf(" %" PRIu64, position.seq);
	print_hex(position.mac, sizeof(position.mac));
	(void)putchar('\n');
	return JP_ERR_OK;
}

static enum jp_err
print_part(const struct jp_batch *part)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;

	jp_batch_read(&reader, part->bytes, part->len);
	while (jp_batch_next(&reader, &item)) {
		(void)printf("%d", (int)item.file);
		print_hex((const uint8_t *)item.key, strlen(item.key));
		print_hex(item.bytes, item.len);
		(void)putchar('\n');
	}
	return jp_batch_end(&reader);
}

static enum jp_err
print_store(struct jp_store *store)
{
	struct jp_walk walk = { .ended = false };
	struct jp_batch part = { .bytes = NULL };
	enum jp_err err = print_position(store);

	while (err == JP_ERR_OK && !walk.ended) {
		err = jp_batch_start(&part);
		if (err == JP_ERR_OK)
			err = jp_store_walk(store, &walk, &part, PART);
		if (err == JP_ERR_OK)
			err = print_part(&part);
		jp_batch_free(&part);
	}
	return err;
}

int
main(int argc, char **argv)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };
	struct jp_core core;
	enum jp_err err;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: store_dump CONFIG\n");
		return 2;
	}
	jp_harden_process();
	err = jp_settings_load(argv[1], &settings, &why);
	if (err == JP_ERR_OK)
		err =
		    jp_core_open(&core, &settings, "store_dump", WAIT_MS, &why);
	if (err != JP_ERR_OK) {
		(void)fprintf(stderr, "store_dump: %s\n", why.text);
		return 1;
	}
	err = print_store(core.store);
	jp_core_close(&core);
	if (err != JP_ERR_OK)
		(void)fprintf(stderr, "store_dump: %s\n", jp_err_text(err));
	return err == JP_ERR_OK ? 0 : 1;
}
