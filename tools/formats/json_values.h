/*
 * The values that JSON of several commands and files has.
 */
#ifndef PAT_ADMIN_JSON_VALUES_H
#define PAT_ADMIN_JSON_VALUES_H

#include <jansson.h>

#include "common/record/record.h"

/* The end as a JSON string, or null. */
json_t *json_time(int64_t when);

/* Every field of a record but its hash and tag. */
json_t *json_record(const struct jp_record *record, enum jp_state state);

/* The number that other protocols have in place of its id. */
json_t *json_number(const struct jp_record *record);

/* `uses`, one of its two numbers of uses; null, if they are not limited. */
json_t *json_uses_of(const struct jp_record *record, uint32_t uses);

/* The rights of a record, each list as JSON strings. */
json_t *json_scopes(const struct jp_record *record);
json_t *json_services(const struct jp_record *record);
json_t *json_networks(const struct jp_record *record);

#endif
