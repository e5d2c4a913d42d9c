/*
 * What a backup consists of: manifest.json in its folder, written last, so
 * that a folder without it is no backup. It names every file with its size and
 * its BLAKE2b-256, so that a file that was changed or cut off shows.
 */
#ifndef PAT_ADMIN_MANIFEST_H
#define PAT_ADMIN_MANIFEST_H

#include <jansson.h>
#include <sodium.h>
#include <stdint.h>

#include "common/store/store.h"

#define MANIFEST_NAME "manifest.json"
#define MANIFEST_FORMAT 1
#define MANIFEST_HASH crypto_generichash_BYTES

struct manifest_file {
	char name[JP_FILE_NAME_MAX + 1];
	uint64_t bytes;
	uint8_t hash[MANIFEST_HASH];
};

struct manifest {
	int64_t made_at; /* seconds since 1970 UTC */
	size_t len, cap;
	struct manifest_file *files;
};

/* Frees what is in it. */
void manifest_clear(struct manifest *manifest);

/*
 * A new last file of that name, empty; NULL if the name is none of a backup's,
 * is there already, or memory is short. It moves with the next one.
 */
struct manifest_file *manifest_add(struct manifest *manifest, const char *name);

uint64_t manifest_bytes(const struct manifest *manifest);

/* As JSON, without the hashes; NULL if memory is short. */
json_t *manifest_json(const struct manifest *manifest);

/* As a file holds it, and back: JP_ERR_NEWER, JP_ERR_DAMAGED. */
json_t *manifest_to_json(const struct manifest *manifest);
enum jp_err manifest_from_json(struct manifest *manifest, json_t *json);

/* Writes it into the folder `dir_fd`, durably. `path` is that folder's. */
enum jp_err manifest_write(const struct manifest *manifest, int dir_fd,
    const char *path, struct jp_why *why);

/*
 * Reads it: JP_ERR_MISSING if there is none, JP_ERR_NEWER, JP_ERR_DAMAGED. The
 * caller clears it in any case.
 */
enum jp_err
manifest_read(struct manifest *manifest, const char *path, struct jp_why *why);

#endif
