/*
 * Puts the store that CONFIG names at the beginning of the log of a cluster, as
 * "pat-admin cluster init" does, and prints what a pat-clusterd has to know:
 *
 *     cluster_place CONFIG CLUSTER
 *     TAG MAC
 *
 * all in hexadecimal digits: the id of the cluster, the tag of the pepper, and
 * the MAC where the chain begins. No patd may run.
 */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/cluster/chain.h"
#include "common/decide/open.h"
#include "common/sys/process.h"

enum {
	WAIT_MS = 10000, /* for a patd that is just leaving */
};

static void
print(const uint8_t *bytes, size_t len, char end)
{
	for (size_t i = 0; i < len; i++)
		(void)printf("%02x", bytes[i]);
	(void)putchar(end);
}

static enum jp_err
place(struct jp_core *core, const uint8_t id[JP_CLUSTER_ID_LEN])
{
	uint8_t tag[JP_PEPPER_NAME_LEN];
	struct jp_chain chain;
	struct jp_position start;
	enum jp_err err;

	jp_chain_init(&chain, &core->pepper, id);
	jp_chain_start(&chain, &start);
	err = jp_store_place(core->store, NULL, &start);
	jp_pepper_name(&core->pepper, tag);
	print(tag, sizeof(tag), ' ');
	print(start.mac, sizeof(start.mac), '\n');
	jp_chain_clear(&chain);
	return err;
}

int
main(int argc, char **argv)
{
	struct jp_settings settings;
	struct jp_core core;
	struct jp_why why = { .text = "" };
	uint8_t id[JP_CLUSTER_ID_LEN];
	size_t len = 0;
	enum jp_err err = JP_ERR_INVALID;

	jp_harden_process();
	if (argc == 3 &&
	    sodium_hex2bin(id, sizeof(id), argv[2], strlen(argv[2]), NULL, &len,
	        NULL) == 0 &&
	    len == sizeof(id))
		err = jp_settings_load(argv[1], &settings, &why);
	if (err == JP_ERR_OK)
		err = jp_core_open(
		    &core, &settings, "cluster_place", WAIT_MS, &why);
	if (err == JP_ERR_OK) {
		err = place(&core, id);
		jp_core_close(&core);
	}
	if (err != JP_ERR_OK)
		fprintf(stderr, "cluster_place: %s %s\n", jp_err_text(err),
		    why.text);
	return err == JP_ERR_OK ? 0 : 1;
}
