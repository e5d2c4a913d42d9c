/*
 * A line of an export: one record as JSON, with its hash and tag, which
 * pat-admin export writes and pat-admin import reads.
 */
#ifndef PAT_ADMIN_RECORD_JSON_H
#define PAT_ADMIN_RECORD_JSON_H

#include <jansson.h>

#include "common/batch.h"

/* NULL if memory is short. */
json_t *record_json_write(const struct jp_moved *moved, int64_t now);

/*
 * Reads one line. What is not there has the value of a new record, but id,
 * user and phc must be. JP_ERR_INVALID with `why` for everything else that
 * record_json_write() does not write.
 */
enum jp_err
record_json_read(const char *line, struct jp_moved *moved, struct jp_why *why);

#endif
