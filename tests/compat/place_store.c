/*
 * Puts a store into a cluster that nobody has, while no patd runs: what it says
 * then is what a host of a cluster says without its patd.
 *
 *     place_store CONFIG
 */
#include <stdio.h>
#include <string.h>

#include "common/decide/open.h"
#include "common/sys/process.h"

enum {
	WAIT_MS = 10000,
};

int
main(int argc, char **argv)
{
	struct jp_position to = { .cluster = "nobody's own", .seq = 7 };
	struct jp_settings settings;
	struct jp_why why = { .text = "" };
	struct jp_core core;
	enum jp_err err;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: place_store CONFIG\n");
		return 2;
	}
	jp_harden_process();
	memset(to.mac, 7, sizeof(to.mac));
	if (jp_settings_load(argv[1], &settings, &why) != JP_ERR_OK ||
	    jp_core_open(&core, &settings, "place_store", WAIT_MS, &why) !=
	        JP_ERR_OK) {
		(void)fprintf(stderr, "place_store: %s\n", why.text);
		return 1;
	}
	err = jp_store_place(core.store, NULL, &to);
	if (err != JP_ERR_OK) {
		jp_store_why(core.store, &why);
		(void)fprintf(stderr, "place_store: %s: %s\n", jp_err_text(err),
		    why.text);
	}
	jp_core_close(&core);
	return err == JP_ERR_OK ? 0 : 1;
}
