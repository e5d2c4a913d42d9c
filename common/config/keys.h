/*
 * The keys of the configuration file: one row each, in common/config/keys.c, of
 * [self_service], [cluster], [listener NAME] and [service GLOB] in files of
 * their own.
 */
#ifndef JP_KEYS_H
#define JP_KEYS_H

#include "common/config/settings.h"

#define JP_KEYS_MAX 128

struct jp_key {
	const char *section; /* or the first word of its head */
	const char *name;
	size_t offset; /* of the member in struct jp_settings; of a listener in
	                  struct jp_listener, of a service in struct jp_rule */
	/* Reads `text` into the member at `at`; an error if it does not fit. */
	enum jp_err (*read)(
	    void *at, const char *text, int64_t min, int64_t max);
	int64_t min, max; /* bounds of a number, or `max` bytes of a text */
	const char *expected;
	bool repeats; /* it may be given several times */
};

/* The i-th key, i below JP_KEYS_MAX; NULL behind the last. */
const struct jp_key *jp_key_at(size_t i);

/* Reads the value of `key` into its member of the struct at `base`. */
enum jp_err
jp_key_read(const struct jp_key *key, void *base, const char *value);

/* ---- for the tables ---- */

struct jp_key_table {
	const struct jp_key *keys;
	size_t len;
};
extern const struct jp_key_table jp_listener_keys, jp_service_keys,
    jp_self_keys, jp_cluster_keys;

#endif
