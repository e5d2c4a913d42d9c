/*
 * A line of an export as JSON, which pat-admin export writes and pat-admin
 * import reads: the record of a token, with its hash and tag, or of a user.
 */
#ifndef PAT_ADMIN_RECORD_JSON_H
#define PAT_ADMIN_RECORD_JSON_H

#include <jansson.h>

#include "common/admin/batch.h"
#include "common/record/user.h"

struct json_line {
	bool is_user;
	struct jp_moved moved; /* of a token */
	struct jp_user user;   /* without who changed it, and when */
};

/* NULL if memory is short. */
json_t *record_json_write(const struct jp_moved *moved, enum jp_state state);
json_t *user_json_write(const struct jp_user *user);

/*
 * Reads one line: of a user, if it has the key "active". What is not there has
 * the value of a new record, but user, and id and phc of a token, must be.
 * JP_ERR_INVALID with `why` for everything else that is not written here.
 */
enum jp_err
json_line_read(const char *text, struct json_line *line, struct jp_why *why);

#endif
