#include "pat_httpd/self/rest_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/record/token_number.h"
#include "common/sys/json_text.h"

enum {
	DAY = 86400,
	TIME_MAX = 40, /* bytes of a time, with its NUL */
};

#define DAYS_MAX (JP_WHEN_MAX / DAY)
#define GRACE_MAX (INT64_C(36525) * DAY) /* 100 years */

/* ---- errors ---- */

static const struct {
	unsigned int status;
	const char *id, *text;
} rows[REST_ERROR_COUNT] = {
#define REST_ERROR_ROW(code, status, id, text)                                 \
	[REST_##code] = { status, id, text },
	REST_ERROR_LIST(REST_ERROR_ROW)
#undef REST_ERROR_ROW
};

unsigned int
rest_error_status(enum rest_error error)
{
	return rows[error].status;
}

const char *
rest_error_id(enum rest_error error)
{
	return rows[error].id;
}

const char *
rest_error_text(enum rest_error error)
{
	return rows[error].text;
}

/* A new refusal has no row, and does not compile. */
static const enum rest_error of_refusals[JP_REFUSAL_COUNT] = {
#define REST_OF_REFUSAL(code, number, id) [JP_REFUSAL_##code] = REST_##code,
	JP_REFUSAL_LIST(REST_OF_REFUSAL)
#undef REST_OF_REFUSAL
};

enum rest_error
rest_error_of(enum jp_err err, const struct jp_why *why)
{
	enum rest_error error = REST_NONE;

	if (err == JP_ERR_OK)
		return REST_NONE;
	if ((unsigned int)why->refusal < JP_REFUSAL_COUNT)
		error = of_refusals[why->refusal];
	if (error != REST_NONE)
		return error;
	switch ((int)err) {
	case JP_ERR_NOT_FOUND:
		return REST_NOT_FOUND;
	case JP_ERR_INVALID:
		return REST_REQUEST;
	case JP_ERR_REFUSED:
		return REST_NOT_ALLOWED;
	default:
		return REST_UNAVAILABLE;
	}
}

char *
rest_error_body(const char *id, const char *text)
{
	json_t *json = json_pack(
	    "{s:[s],s:{},s:s}", "errorMessages", text, "errors", "error", id);
	char *body = jp_json_text(json);

	json_decref(json);
	return body;
}

/* ---- reading ---- */

/* A wish that is being read. */
struct wish {
	const struct rest_terms *terms;
	struct jp_admin_request *request;
};

/*
 * A whole number from `min`; above `max` it counts as that. A program that
 * knows no integers sends 90.0.
 */
static bool
read_number(const json_t *value, int64_t min, int64_t max, int64_t *number)
{
	double real = json_real_value(value);

	if (json_is_integer(value)) {
		*number = json_integer_value(value);
	} else if (!json_is_real(value)) {
		return false;
	} else if (real >= (double)max) {
		*number = max;
	} else {
		if (real < (double)min || (double)(int64_t)real != real)
			return false;
		*number = (int64_t)real;
	}
	if (*number > max)
		*number = max;
	return *number >= min;
}

static bool
is_blank(const char *text)
{
	size_t len;

	while ((len = jp_blank_at_start(text, strlen(text))) > 0)
		text += len;
	return *text == '\0';
}

static enum rest_error
read_name(struct wish *wish, const json_t *value)
{
	struct jp_record *record = &wish->request->record;
	const char *name = json_string_value(value);
	struct jp_why why;

	if (!json_is_string(value))
		return REST_NAME_INVALID;
	if (is_blank(name))
		return REST_NAME_REQUIRED;
	if (jp_text_check("name", name, JP_NAME_MAX, &why) != JP_ERR_OK)
		return REST_NAME_INVALID;
	(void)jp_field_set(record->name, sizeof(record->name), name);
	return REST_NONE;
}

static enum rest_error
read_duration(struct wish *wish, const json_t *value)
{
	struct jp_admin_request *request = wish->request;
	int64_t days;

	if (!read_number(value, 1, DAYS_MAX, &days))
		return REST_DURATION;
	request->lifetime = JP_LIFETIME_UNTIL;
	request->expires_at = jp_when_add(wish->terms->now, days * DAY);
	rest_cut_lifetime(request, wish->terms->now, wish->terms->longest);
	return REST_NONE;
}

/* A list of 1 to `max` texts, each of which `set` keeps at its place. */
static enum rest_error
read_list(const json_t *value, size_t max, enum rest_error error,
    bool (*set)(struct jp_record *record, size_t i, const char *text),
    struct jp_record *record)
{
	size_t len = json_array_size(value);

	/* None at all would be understood as all of them. */
	if (len == 0 || len > max)
		return error;
	for (size_t i = 0; i < len; i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (text == NULL || text[0] == '\0' || !set(record, i, text))
			return error;
	}
	return REST_NONE;
}

static bool
set_scope(struct jp_record *record, size_t i, const char *text)
{
	record->scope_len = i + 1;
	return jp_field_set(record->scopes[i], sizeof(record->scopes[i]),
	           text) == JP_ERR_OK;
}

static bool
set_service(struct jp_record *record, size_t i, const char *text)
{
	struct jp_why why;

	record->service_len = i + 1;
	return jp_text_check("service", text, JP_SERVICE_MAX, &why) ==
	           JP_ERR_OK &&
	       jp_field_set(record->services[i], sizeof(record->services[i]),
	           text) == JP_ERR_OK;
}

static bool
set_network(struct jp_record *record, size_t i, const char *text)
{
	struct jp_why why;

	record->net_len = i + 1;
	return jp_net_parse(text, &record->nets[i], &why) == JP_ERR_OK;
}

static enum rest_error
read_scopes(struct wish *wish, const json_t *value)
{
	return read_list(value, JP_SCOPES_MAX, REST_SCOPE_INVALID, set_scope,
	    &wish->request->record);
}

static enum rest_error
read_services(struct wish *wish, const json_t *value)
{
	return read_list(value, JP_SERVICES_MAX, REST_SERVICES, set_service,
	    &wish->request->record);
}

static enum rest_error
read_networks(struct wish *wish, const json_t *value)
{
	return read_list(value, JP_NETS_MAX, REST_NETWORKS, set_network,
	    &wish->request->record);
}

/* Its number, or a text: its id, or that of the token that asks. */
static enum rest_error
read_parent(struct wish *wish, const json_t *value)
{
	char *parent = wish->request->record.parent;
	const char *text = json_string_value(value);
	enum jp_err err = JP_ERR_NOT_FOUND;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		err = jp_token_number_id(
		    (uint64_t)json_integer_value(value), parent);
	else if (text != NULL)
		err = jp_token_named(
		    strcmp(text, "self") == 0 ? wish->terms->self : text,
		    parent);
	return err == JP_ERR_OK ? REST_NONE : REST_PARENT;
}

static enum rest_error
read_uses(struct wish *wish, const json_t *value)
{
	int64_t uses;

	if (!read_number(value, 1, INT64_C(1) << 32, &uses) ||
	    uses > UINT32_MAX)
		return REST_USES;
	wish->request->record.uses_max = (uint32_t)uses;
	return REST_NONE;
}

static enum rest_error
read_grace(struct wish *wish, const json_t *value)
{
	int64_t *grace = &wish->request->grace;

	return read_number(value, 0, GRACE_MAX + 1, grace) &&
	               *grace <= GRACE_MAX
	           ? REST_NONE
	           : REST_GRACE;
}

struct field {
	const char *key;
	enum rest_error (*read)(struct wish *wish, const json_t *value);
};

static const struct field token_fields[] = {
	{ "name", read_name },
	{ "expirationDuration", read_duration },
	{ "scopes", read_scopes },
	{ "services", read_services },
	{ "networks", read_networks },
	{ "parent", read_parent },
	{ "uses", read_uses },
	{ NULL, NULL },
};

static const struct field rotation_fields[] = {
	{ "grace", read_grace },
	{ NULL, NULL },
};

/* A key that is not known may be a limit, misspelt: then nothing is done.
 * Null is as good as absent. */
static enum rest_error
read_field(const struct field *fields, const char *key, const json_t *value,
    struct wish *wish)
{
	for (; fields->key != NULL; fields++)
		if (strcmp(fields->key, key) == 0)
			return json_is_null(value) ? REST_NONE
			                           : fields->read(wish, value);
	return REST_KEY;
}

static enum rest_error
read_object(const struct field *fields, const json_t *body, struct wish *wish)
{
	enum rest_error error = REST_NONE;
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return REST_BODY;
	json_object_foreach((json_t *)(uintptr_t)body, key, value)
	{
		error = read_field(fields, key, value, wish);
		if (error != REST_NONE)
			return error;
	}
	return REST_NONE;
}

enum rest_error
rest_read_token(const json_t *body, const struct rest_terms *terms,
    struct jp_admin_request *request)
{
	struct wish wish = { terms, request };
	enum rest_error error = read_object(token_fields, body, &wish);

	if (error == REST_NONE && request->record.name[0] == '\0')
		return REST_NAME_REQUIRED;
	return error;
}

enum rest_error
rest_read_rotation(const json_t *body, struct jp_admin_request *request)
{
	struct wish wish = { NULL, request };

	return body != NULL ? read_object(rotation_fields, body, &wish)
	                    : REST_NONE;
}

void
rest_cut_lifetime(
    struct jp_admin_request *request, int64_t now, int64_t longest)
{
	if (request->lifetime == JP_LIFETIME_UNTIL && longest != JP_NEVER &&
	    jp_when_since(now, request->expires_at) > longest)
		request->expires_at = jp_when_add(now, longest);
}

/* ---- writing ---- */

/* As Jira writes it: milliseconds, which clients want to read, and a zone
 * without a colon. */
static json_t *
write_time(int64_t when)
{
	time_t seconds = (time_t)(when > 0 ? jp_when_add(when, 0) : 0);
	char text[TIME_MAX];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000+0000", &tm) ==
	        0)
		return NULL;
	return json_string(text);
}

/* The i-th element of a list; NULL behind the last. */
typedef json_t *element(const struct jp_record *record, size_t i);

static json_t *
scope_at(const struct jp_record *record, size_t i)
{
	return i < record->scope_len ? json_string(record->scopes[i]) : NULL;
}

static json_t *
service_at(const struct jp_record *record, size_t i)
{
	return i < record->service_len ? json_string(record->services[i])
	                               : NULL;
}

static json_t *
network_at(const struct jp_record *record, size_t i)
{
	char text[JP_NET_TEXT_MAX];

	if (i >= record->net_len)
		return NULL;
	jp_net_format(&record->nets[i], text);
	return json_string(text);
}

static void
add(json_t *json, const char *key, json_t *value)
{
	(void)json_object_set_new(json, key, value);
}

/* A list that is empty would be misread: it is left out. */
static void
add_list(
    json_t *json, const char *key, const struct jp_record *record, element *at)
{
	json_t *list, *value;

	if ((value = at(record, 0)) == NULL)
		return;
	list = json_array();
	for (size_t i = 1; value != NULL; value = at(record, i++))
		(void)json_array_append_new(list, value);
	add(json, key, list);
}

static void
add_rights(json_t *json, const struct jp_record *record)
{
	add_list(json, "scopes", record, scope_at);
	add_list(json, "services", record, service_at);
	add_list(json, "networks", record, network_at);
	if (record->parent[0] != '\0')
		add(json, "parent",
		    json_integer((json_int_t)jp_token_number(record->parent)));
	if (record->uses_max == 0)
		return;
	add(json, "uses", json_integer(record->uses_max));
	add(json, "usesLeft", json_integer(record->uses_left));
}

json_t *
rest_token(const struct jp_admin_item *item)
{
	const struct jp_record *record = &item->record;
	const char *cause = jp_state_cause(item->state);
	json_t *json = json_object();

	add(json, "id", json_integer((json_int_t)jp_token_number(record->id)));
	add(json, "name", json_string(record->name));
	add(json, "createdAt", write_time(record->created_at));
	if (record->last_used_at != JP_NEVER)
		add(json, "lastAccessedAt", write_time(record->last_used_at));
	add(json, "expiringAt",
	    write_time(record->expires_at != JP_NEVER ? record->expires_at
	                                              : JP_WHEN_MAX));
	if (item->token.len > 0)
		add(json, "rawToken", json_string(item->token.text));
	add(json, "tokenId", json_string(record->id));
	add(json, "user", json_string(record->user));
	add(json, "status",
	    json_string(jp_status_name(jp_state_status(item->state))));
	if (cause[0] != '\0')
		add(json, "cause", json_string(cause));
	add_rights(json, record);
	return json;
}

/* ---- a list ---- */

static enum jp_err
append(struct rest_list *list, const char *text)
{
	size_t len = strlen(text), size = list->size;
	char *more;

	while (size < list->len + len + 2)
		size = size == 0 ? 1024 : 2 * size;
	if (size != list->size) {
		more = realloc(list->text, size);
		if (more == NULL)
			return JP_ERR_NOMEM;
		list->text = more;
		list->size = size;
	}
	list->text[list->len++] = ',';
	memcpy(list->text + list->len, text, len + 1);
	list->len += len;
	return JP_ERR_OK;
}

enum jp_err
rest_list_add(struct rest_list *list, const struct jp_admin_item *item)
{
	json_t *json = rest_token(item);
	char *text = jp_json_text(json);
	enum jp_err err = JP_ERR_NOMEM;

	json_decref(json);
	if (text == NULL)
		return err;
	if (list->first == NULL && list->first_id != NULL &&
	    strcmp(list->first_id, item->record.id) == 0) {
		list->first = text;
		return JP_ERR_OK;
	}
	err = append(list, text);
	free(text);
	return err;
}

char *
rest_list_take(struct rest_list *list, size_t *len)
{
	const char *others = list->len > 0 ? list->text : "";
	const char *first = list->first != NULL ? list->first : "";
	size_t size = strlen(first) + list->len + sizeof("[]");
	char *text = malloc(size);

	/* Without a first one, the others do not begin with a comma. */
	if (list->first == NULL && *others != '\0')
		others++;
	if (text != NULL) {
		char *at = text;

		*at++ = '[';
		at = stpcpy(stpcpy(at, first), others);
		at = stpcpy(at, "]");
		*len = (size_t)(at - text);
	}
	rest_list_clear(list);
	return text;
}

void
rest_list_clear(struct rest_list *list)
{
	free(list->first);
	free(list->text);
	memset(list, 0, sizeof(*list));
}
