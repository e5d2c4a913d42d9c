#include "tools/formats/record_json.h"

#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#include "common/record/argon2.h"
#include "tools/formats/json_values.h"

#define HEX_MAX (2 * JP_FAST_TAG_LEN + 1)

_Static_assert(
    JP_PEPPER_NAME_LEN == JP_FAST_TAG_LEN, "hex_read() has one length");

static void
set_hex(json_t *json, const char *key, const uint8_t tag[JP_FAST_TAG_LEN])
{
	char hex[HEX_MAX];

	(void)json_object_set_new(json, key,
	    json_string(
	        sodium_bin2hex(hex, sizeof(hex), tag, JP_FAST_TAG_LEN)));
}

/* Whether there is a link that fetches it. */
static bool
has_link(const struct jp_record *record)
{
	return !sodium_is_zero(record->claim_tag, sizeof(record->claim_tag));
}

json_t *
record_json_write(const struct jp_moved *moved, enum jp_state state)
{
	const struct jp_record *record = &moved->record;
	json_t *json = json_record(record, state);
	bool link = has_link(record);

	(void)json_object_set_new(json, "phc", json_string(record->phc));
	if (record->has_fast_tag)
		set_hex(json, "fast_tag", record->fast_tag);
	if (link)
		set_hex(json, "link_tag", record->claim_tag);
	if (record->has_fast_tag || link)
		set_hex(json, "pepper", moved->pepper);
	return json;
}

/* ---- reading: one function for each kind of value ---- */

/* One key: where its value goes, and how. */
struct field {
	const char *key;
	enum jp_err (*read)(const struct field *field, json_t *value, void *to,
	    struct jp_why *why);
	size_t offset; /* in the struct that is filled */
	size_t size;   /* a text: with its NUL; a list: of one element */
	size_t count;  /* a list: offset of its length */
	size_t max;    /* elements of a list */
};

static enum jp_err
expected(const struct field *field, const char *what, struct jp_why *why)
{
	return jp_why(
	    why, JP_ERR_INVALID, "\"%s\": expected %s", field->key, what);
}

static enum jp_err
read_text(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	if (!json_is_string(value) ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return expected(field, "a string", why);
	if (jp_text_check(field->key, json_string_value(value), field->size - 1,
	        why) != JP_ERR_OK)
		return JP_ERR_INVALID;
	return jp_field_set(to, field->size, json_string_value(value));
}

static enum jp_err
read_time(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	int64_t when;

	if (json_is_null(value))
		return JP_ERR_OK;
	if (!json_is_string(value) ||
	    jp_when_read(json_string_value(value), &when) != JP_ERR_OK)
		return expected(
		    field, "a time such as 2027-01-31T12:00:00Z", why);
	memcpy(to, &when, sizeof(when));
	return JP_ERR_OK;
}

static enum jp_err
read_count(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	json_int_t number = json_integer_value(value);
	uint32_t count = (uint32_t)number;

	if (!json_is_integer(value) || number != (json_int_t)count)
		return expected(field, "a number from 0 to 4294967295", why);
	memcpy(to, &count, sizeof(count));
	return JP_ERR_OK;
}

/* null: no number, which is 0. */
static enum jp_err
read_limit(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	return json_is_null(value) ? JP_ERR_OK
	                           : read_count(field, value, to, why);
}

static enum jp_err
read_bool(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	if (!json_is_boolean(value))
		return expected(field, "true or false", why);
	*(bool *)to = json_is_true(value);
	return JP_ERR_OK;
}

static enum jp_err
read_hex(const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	const char *text = json_string_value(value);
	size_t len = 0;

	if (text == NULL || strlen(text) != HEX_MAX - 1 ||
	    sodium_hex2bin(to, JP_FAST_TAG_LEN, text, HEX_MAX - 1, NULL, &len,
	        NULL) != 0 ||
	    len != JP_FAST_TAG_LEN)
		return expected(field, "32 hexadecimal digits", why);
	return JP_ERR_OK;
}

static enum jp_err
read_net(const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	struct jp_why ignored;

	if (!json_is_string(value) ||
	    jp_net_parse(json_string_value(value), to, &ignored) != JP_ERR_OK)
		return expected(field, "networks such as 192.0.2.0/24", why);
	return JP_ERR_OK;
}

static enum jp_err read_object(const struct field *fields, size_t len,
    json_t *json, void *to, struct jp_why *why);

static const struct field use_fields[] = {
	{ "at", read_time, offsetof(struct jp_use, at), 0, 0, 0 },
	{ "service", read_text, offsetof(struct jp_use, service),
	    JP_SERVICE_MAX + 1, 0, 0 },
	{ "address", read_text, offsetof(struct jp_use, rhost),
	    JP_RHOST_MAX + 1, 0, 0 },
	{ "since", read_time, offsetof(struct jp_use, since), 0, 0, 0 },
};

static enum jp_err
read_use(const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	if (!json_is_object(value))
		return expected(field, "a list of objects", why);
	return read_object(use_fields,
	    sizeof(use_fields) / sizeof(use_fields[0]), value, to, why);
}

/* A list, whose elements `each` reads. */
static enum jp_err
read_list(const struct field *field, json_t *value, char *record,
    enum jp_err (*each)(
        const struct field *field, json_t *value, void *to, struct jp_why *why),
    struct jp_why *why)
{
	size_t len = json_array_size(value);
	enum jp_err err = JP_ERR_OK;

	if (!json_is_array(value))
		return expected(field, "a list", why);
	if (len > field->max)
		return jp_why(why, JP_ERR_INVALID,
		    "\"%s\": more than %zu elements", field->key, field->max);
	for (size_t i = 0; i < len && err == JP_ERR_OK; i++)
		err = each(field, json_array_get(value, i),
		    record + field->offset + i * field->size, why);
	memcpy(record + field->count, &len, sizeof(len));
	return err;
}

/* A list is read into the whole record, for its length lies elsewhere. */
#define LIST_READER(name, each)                                                \
	static enum jp_err name(const struct field *field, json_t *value,      \
	    void *to, struct jp_why *why)                                      \
	{                                                                      \
		return read_list(                                              \
		    field, value, (char *)to - field->offset, each, why);      \
	}

LIST_READER(read_texts, read_text)
LIST_READER(read_nets, read_net)
LIST_READER(read_uses, read_use)

/* What follows from the rest. */
static enum jp_err
read_nothing(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	(void)field;
	(void)value;
	(void)to;
	(void)why;
	return JP_ERR_OK;
}

#define AT(member) offsetof(struct jp_moved, record.member)
#define SIZE(member) sizeof(((struct jp_record *)0)->member)
#define TEXT(key, member)                                                      \
	{                                                                      \
		key, read_text, AT(member), SIZE(member), 0, 0                 \
	}
#define VALUE(key, read, member)                                               \
	{                                                                      \
		key, read, AT(member), SIZE(member), 0, 0                      \
	}
#define LIST(key, read, member, len, max)                                      \
	{                                                                      \
		key, read, AT(member), SIZE(member[0]), AT(len), max           \
	}

static const struct field fields[] = {
	TEXT("id", id),
	TEXT("user", user),
	TEXT("name", name),
	{ "state", read_nothing, 0, 0, 0, 0 },
	{ "state_text", read_nothing, 0, 0, 0, 0 },
	{ "state_cause", read_nothing, 0, 0, 0, 0 },
	VALUE("created_at", read_time, created_at),
	TEXT("created_by", created_by),
	VALUE("expires_at", read_time, expires_at),
	VALUE("revoked_at", read_time, revoked_at),
	TEXT("revoked_by", revoked_by),
	TEXT("revoked_why", revoked_why),
	VALUE("last_used_at", read_time, last_used_at),
	VALUE("use_count", read_count, use_count),
	LIST("uses", read_uses, uses, use_len, JP_USES_MAX),
	LIST("scopes", read_texts, scopes, scope_len, JP_SCOPES_MAX),
	LIST("services", read_texts, services, service_len, JP_SERVICES_MAX),
	LIST("networks", read_nets, nets, net_len, JP_NETS_MAX),
	TEXT("family", family),
	VALUE("superseded_at", read_time, superseded_at),
	VALUE("grace_until", read_time, grace_until),
	VALUE("keep_until_grace", read_bool, keep_until_grace),
	VALUE("denied_at", read_time, denied_at),
	TEXT("denied_why", denied_why),
	TEXT("phc", phc),
	TEXT("ends", ends),
	TEXT("prefix", prefix),
	{ "number", read_nothing, 0, 0, 0, 0 },
	TEXT("parent", parent),
	TEXT("owner_group", owner_group),
	VALUE("disabled_at", read_time, disabled_at),
	TEXT("disabled_by", disabled_by),
	VALUE("uses_max", read_limit, uses_max),
	VALUE("uses_left", read_limit, uses_left),
	VALUE("link_until", read_time, claim_until),
	VALUE("link_tag", read_hex, claim_tag),
	VALUE("fast_tag", read_hex, fast_tag),
	{ "pepper", read_hex, offsetof(struct jp_moved, pepper), 0, 0, 0 },
};

static enum jp_err
read_object(const struct field *list, size_t len, json_t *json, void *to,
    struct jp_why *why)
{
	const char *key;
	json_t *value;

	json_object_foreach(json, key, value)
	{
		enum jp_err err;
		size_t i = 0;

		while (i < len && strcmp(list[i].key, key) != 0)
			i++;
		if (i == len)
			return jp_why(why, JP_ERR_INVALID,
			    "there is an unknown key; those of `pat-admin "
			    "export` are expected");
		err = list[i].read(
		    &list[i], value, (char *)to + list[i].offset, why);
		if (err != JP_ERR_OK)
			return err;
	}
	return JP_ERR_OK;
}

static enum jp_err
check_id(const char *key, const char *id, bool may_miss, struct jp_why *why)
{
	if ((may_miss && id[0] == '\0') || jp_token_id_valid(id))
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "\"%s\": expected %d letters and digits", key, JP_TOKEN_ID_LEN);
}

static enum jp_err
check_ids(const struct jp_record *record, struct jp_why *why)
{
	enum jp_err err = check_id("id", record->id, false, why);

	if (err == JP_ERR_OK)
		err = check_id("ends", record->ends, true, why);
	return err == JP_ERR_OK ? check_id("parent", record->parent, true, why)
	                        : err;
}

/* One that waits to be fetched has no secret yet. */
static enum jp_err
check_hash(const struct jp_record *record, struct jp_why *why)
{
	struct jp_phc phc;
	bool waits = record->claim_until != JP_NEVER;

	if (waits && record->phc[0] != '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "\"link_until\" is for a token that was not fetched yet, "
		    "without \"phc\"");
	if (!waits && has_link(record))
		return jp_why(
		    why, JP_ERR_INVALID, "\"link_tag\" needs \"link_until\"");
	if (!waits && jp_phc_parse(record->phc, &phc) != JP_ERR_OK)
		return jp_why(why, JP_ERR_INVALID,
		    "\"phc\": expected $argon2id$v=19$m=…,t=…,p=1$… with a "
		    "salt of %d and a tag of %d bytes, m at most %u, t at most "
		    "%u",
		    JP_PHC_SALT_LEN, JP_PHC_TAG_LEN, JP_ARGON2_MEMORY_MAX,
		    JP_ARGON2_PASSES_MAX);
	return JP_ERR_OK;
}

/* A tag means something together with its pepper alone. */
static enum jp_err
check_tags(json_t *json, struct jp_record *record, struct jp_why *why)
{
	bool tag = json_object_get(json, "fast_tag") != NULL;

	if ((tag || has_link(record)) ==
	    (json_object_get(json, "pepper") != NULL)) {
		record->has_fast_tag = tag;
		return JP_ERR_OK;
	}
	return jp_why(why, JP_ERR_INVALID,
	    "\"pepper\" comes together with \"fast_tag\" or \"link_tag\", or "
	    "not at all");
}

static enum jp_err
check_uses(const struct jp_record *record, struct jp_why *why)
{
	if (record->uses_left <= record->uses_max)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "\"uses_left\": expected a number up to \"uses_max\"");
}

/* What a reader of one field cannot see. */
static enum jp_err
check_whole(json_t *json, struct jp_moved *moved, struct jp_why *why)
{
	struct jp_record *record = &moved->record;
	enum jp_err err = check_ids(record, why);

	if (err == JP_ERR_OK)
		err = check_hash(record, why);
	if (err == JP_ERR_OK)
		err = check_tags(json, record, why);
	if (err == JP_ERR_OK)
		err = check_uses(record, why);
	if (err == JP_ERR_OK && record->owner_group[0] != '\0')
		err = jp_group_check(record->owner_group, why);
	if (err != JP_ERR_OK)
		return err;
	if (record->family[0] == '\0')
		memcpy(record->family, record->id, sizeof(record->family));
	return jp_user_check_new(record->user, why);
}

/* ---- users ---- */

json_t *
user_json_write(const struct jp_user *user)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < user->group_len; i++)
		(void)json_array_append_new(
		    groups, json_string(user->groups[i]));
	return json_pack("{s:s,s:b,s:b,s:o,s:s}", "user", user->name, "active",
	    (int)!user->disabled, "protected", (int)user->protected, "groups",
	    groups, "note", user->note);
}

static enum jp_err
read_active(
    const struct field *field, json_t *value, void *to, struct jp_why *why)
{
	enum jp_err err = read_bool(field, value, to, why);

	*(bool *)to = !*(bool *)to;
	return err;
}

static const struct field user_fields[] = {
	{ "user", read_text, offsetof(struct jp_user, name), JP_USER_MAX + 1, 0,
	    0 },
	{ "active", read_active, offsetof(struct jp_user, disabled), 0, 0, 0 },
	{ "protected", read_bool, offsetof(struct jp_user, protected), 0, 0,
	    0 },
	{ "groups", read_texts, offsetof(struct jp_user, groups),
	    JP_GROUP_MAX + 1, offsetof(struct jp_user, group_len),
	    JP_GROUPS_MAX },
	{ "note", read_text, offsetof(struct jp_user, note), JP_NOTE_MAX + 1, 0,
	    0 },
};

static enum jp_err
read_user(json_t *json, struct jp_user *user, struct jp_why *why)
{
	enum jp_err err = read_object(user_fields,
	    sizeof(user_fields) / sizeof(user_fields[0]), json, user, why);

	if (err == JP_ERR_OK)
		err = jp_user_check_new(user->name, why);
	for (size_t i = 0; i < user->group_len && err == JP_ERR_OK; i++)
		err = jp_group_check(user->groups[i], why);
	return err;
}

/* ---- lines ---- */

static enum jp_err
read_token(json_t *json, struct jp_moved *moved, struct jp_why *why)
{
	enum jp_err err = read_object(
	    fields, sizeof(fields) / sizeof(fields[0]), json, moved, why);

	return err == JP_ERR_OK ? check_whole(json, moved, why) : err;
}

enum jp_err
json_line_read(const char *text, struct json_line *line, struct jp_why *why)
{
	json_error_t error;
	json_t *json;
	enum jp_err err;

	memset(line, 0, sizeof(*line));
	errno = 0;
	json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL && errno == ENOMEM) /* the library does not say so */
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	if (json == NULL)
		return jp_why(why, JP_ERR_INVALID,
		    "expected one JSON object: it breaks off at column %d",
		    error.column);
	line->is_user = json_object_get(json, "active") != NULL;
	if (!json_is_object(json))
		err = jp_why(why, JP_ERR_INVALID, "expected one JSON object");
	else if (line->is_user)
		err = read_user(json, &line->user, why);
	else
		err = read_token(json, &line->moved, why);
	json_decref(json);
	return err;
}
