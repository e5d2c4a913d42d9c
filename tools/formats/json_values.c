#include "tools/formats/json_values.h"

#include <stdint.h>

#include "common/record/token_number.h"
#include "common/sys/time_text.h"

json_t *
json_time(int64_t when)
{
	char text[JP_WHEN_TEXT_MAX];

	if (when == JP_NEVER)
		return json_null();
	jp_when_format(when, text);
	return json_string(text);
}

json_t *
json_scopes(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->scope_len; i++)
		(void)json_array_append_new(
		    list, json_string(record->scopes[i]));
	return list;
}

json_t *
json_services(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->service_len; i++)
		(void)json_array_append_new(
		    list, json_string(record->services[i]));
	return list;
}

json_t *
json_networks(const struct jp_record *record)
{
	char text[JP_NET_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < record->net_len; i++) {
		jp_net_format(&record->nets[i], text);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
json_uses(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->use_len; i++)
		(void)json_array_append_new(
		    list, json_pack("{s:o,s:s,s:s,s:o}", "at",
		              json_time(record->uses[i].at), "service",
		              record->uses[i].service, "address",
		              record->uses[i].rhost, "since",
		              json_time(record->uses[i].since)));
	return list;
}

json_t *
json_uses_of(const struct jp_record *record, uint32_t uses)
{
	return record->uses_max == 0 ? json_null()
	                             : json_integer((json_int_t)uses);
}

json_t *
json_number(const struct jp_record *record)
{
	return json_integer((json_int_t)jp_token_number(record->id));
}

/* What it hangs on, and what keeps it from being used. */
static json_t *
json_ties(const struct jp_record *record)
{
	return json_pack("{s:o,s:s,s:s,s:o,s:s,s:o,s:o,s:o}", "number",
	    json_number(record), "parent", record->parent, "owner_group",
	    record->owner_group, "disabled_at", json_time(record->disabled_at),
	    "disabled_by", record->disabled_by, "uses_max",
	    json_uses_of(record, record->uses_max), "uses_left",
	    json_uses_of(record, record->uses_left), "link_until",
	    json_time(record->claim_until));
}

/* All of both, or NULL. */
static json_t *
json_both(json_t *one, json_t *other)
{
	if (json_object_update(one, other) != 0) {
		json_decref(one);
		one = NULL;
	}
	json_decref(other);
	return one;
}

json_t *
json_record(const struct jp_record *record, enum jp_state state)
{
	char text[JP_STATE_TEXT_MAX];
	json_t *json;

	jp_state_format(state, record, text);
	json = json_pack(
	    "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:o,s:s,s:s,s:o,s:I,"
	    "s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:b,s:s,s:o,s:s}",
	    "id", record->id, "user", record->user, "name", record->name,
	    "state", jp_state_name(state), "state_text", text, "state_cause",
	    jp_state_cause(state), "prefix", record->prefix, "created_at",
	    json_time(record->created_at), "created_by", record->created_by,
	    "expires_at", json_time(record->expires_at), "revoked_at",
	    json_time(record->revoked_at), "revoked_by", record->revoked_by,
	    "revoked_why", record->revoked_why, "last_used_at",
	    json_time(record->last_used_at), "use_count",
	    (json_int_t)record->use_count, "uses", json_uses(record), "scopes",
	    json_scopes(record), "services", json_services(record), "networks",
	    json_networks(record), "family", record->family, "superseded_at",
	    json_time(record->superseded_at), "grace_until",
	    json_time(record->grace_until), "keep_until_grace",
	    (int)record->keep_until_grace, "ends", record->ends, "denied_at",
	    json_time(record->denied_at), "denied_why", record->denied_why);
	return json_both(json, json_ties(record));
}
