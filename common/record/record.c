/*
 * The bytes of a record: version u8, id (8 raw), user, expires_at i64, then
 * the rest in the order of struct jp_record, and last, for each use, since
 * when it is one; strings, integers and lists as common/base/buf.h and a count
 * byte say. Id, user and expiry come first for jp_record_peek().
 */
#include "common/record/record.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/text.h"

static const struct state_row {
	const char *name;
	enum jp_status status;
	const char *cause;
} states[JP_STATE_COUNT] = {
#define JP_STATE_ROW(code, number, name, status, cause)                        \
	[number] = { name, JP_STATUS_##status, cause },
	JP_STATE_LIST(JP_STATE_ROW)
#undef JP_STATE_ROW
};

/* A number that is no state is that of a token that is taken nowhere. */
static const struct state_row *
state_row(enum jp_state state)
{
	return &states[(unsigned int)state < JP_STATE_COUNT ? state
	                                                    : JP_STATE_PREFIX];
}

const char *
jp_state_name(enum jp_state state)
{
	return state_row(state)->name;
}

enum jp_status
jp_state_status(enum jp_state state)
{
	return state_row(state)->status;
}

const char *
jp_status_name(enum jp_status status)
{
	static const char *const names[JP_STATUS_COUNT] = { "live", "paused",
		"dead" };

	return names[status];
}

const char *
jp_state_cause(enum jp_state state)
{
	return state_row(state)->cause;
}

void
jp_state_format(enum jp_state state, const struct jp_record *record,
    char text[JP_STATE_TEXT_MAX])
{
	const char *cause = jp_state_cause(state);
	char until[JP_WHEN_TEXT_MAX];

	jp_when_format(jp_record_end(record), until);
	if (state == JP_STATE_REPLACED)
		(void)snprintf(
		    text, JP_STATE_TEXT_MAX, "replaced until %s", until);
	else
		(void)snprintf(text, JP_STATE_TEXT_MAX, "%s%s%s",
		    jp_status_name(jp_state_status(state)),
		    cause[0] != '\0' ? ": " : "", cause);
}

bool
jp_record_superseded(const struct jp_record *record, int64_t now)
{
	return record->superseded_at != JP_NEVER &&
	       (record->grace_until <= record->superseded_at ||
	           record->grace_until <= now);
}

static bool
is_used_up(const struct jp_record *record)
{
	return record->uses_max != 0 && record->uses_left == 0;
}

/* `uses`: whether it matters that they are used up. */
static enum jp_state
own_state(const struct jp_record *record, bool uses, int64_t now)
{
	if (record->revoked_at != JP_NEVER)
		return JP_STATE_REVOKED;
	if (jp_record_superseded(record, now))
		return JP_STATE_SUPERSEDED;
	if (record->expires_at != JP_NEVER && record->expires_at <= now)
		return JP_STATE_EXPIRED;
	if (uses && is_used_up(record))
		return JP_STATE_USED_UP;
	if (record->claim_until != JP_NEVER)
		return JP_STATE_UNCLAIMED;
	if (record->disabled_at != JP_NEVER)
		return JP_STATE_DISABLED;
	return JP_STATE_LIVE;
}

enum jp_state
jp_record_state(const struct jp_record *record, int64_t now)
{
	return own_state(record, true, now);
}

bool
jp_record_ended(const struct jp_record *record, int64_t now)
{
	return jp_state_status(jp_record_state(record, now)) == JP_STATUS_DEAD;
}

enum jp_state
jp_record_state_of_parent(
    const struct jp_record *parent, const struct jp_record *record, int64_t now)
{
	return own_state(parent, record->uses_max == 0, now);
}

bool
jp_record_unused(const struct jp_record *record, int64_t limit, int64_t now)
{
	return limit != JP_NEVER &&
	       jp_when_since(jp_record_last_sign(record), now) > limit;
}

enum jp_state
jp_record_state_in(
    const struct jp_record *record, const struct jp_circumstances *around)
{
	enum jp_state state = jp_record_state(record, around->now);
	enum jp_status parent = record->parent[0] == '\0'
	                            ? JP_STATUS_LIVE
	                            : jp_state_status(around->parent);

	if (jp_state_status(state) == JP_STATUS_DEAD)
		return state;
	if (!around->prefix_accepted)
		return JP_STATE_PREFIX;
	if (parent == JP_STATUS_DEAD)
		return JP_STATE_PARENT;
	if (state != JP_STATE_LIVE)
		return state;
	if (jp_record_unused(record, around->unused_limit, around->now))
		return JP_STATE_UNUSED;
	if (around->user_disabled)
		return JP_STATE_USER_DISABLED;
	if (parent == JP_STATUS_PAUSED)
		return JP_STATE_PARENT_PAUSED;
	return record->superseded_at != JP_NEVER ? JP_STATE_REPLACED
	                                         : JP_STATE_LIVE;
}

int64_t
jp_record_end(const struct jp_record *record)
{
	const int64_t ends[] = {
		record->revoked_at,
		record->superseded_at != JP_NEVER ? record->grace_until
		                                  : JP_NEVER,
		record->expires_at,
		is_used_up(record) ? jp_record_last_sign(record) : JP_NEVER,
	};
	int64_t first = JP_NEVER;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] != JP_NEVER &&
		    (first == JP_NEVER || ends[i] < first))
			first = ends[i];
	return first;
}

int64_t
jp_record_made_at(const struct jp_record *record, int64_t now)
{
	return record->created_at < now ? record->created_at : now;
}

int64_t
jp_record_lifetime(const struct jp_record *record, int64_t now)
{
	return record->expires_at == JP_NEVER
	           ? JP_NEVER
	           : jp_when_since(
	                 jp_record_made_at(record, now), record->expires_at);
}

int64_t
jp_record_last_sign(const struct jp_record *record)
{
	return record->last_used_at > record->created_at ? record->last_used_at
	                                                 : record->created_at;
}

bool
jp_record_place_is_new(const struct jp_record *record, size_t i, int64_t since)
{
	const struct jp_use *use = &record->uses[i];

	if (use->rhost[0] == '\0' || use->since == JP_NEVER ||
	    use->since < since)
		return false;
	for (size_t before = 0; before < i; before++)
		if (strcmp(record->uses[before].rhost, use->rhost) == 0)
			return false;
	return true;
}

static void
put_uses(struct jp_buf *buf, const struct jp_record *record)
{
	jp_buf_put_i64(buf, record->last_used_at);
	jp_buf_put_u32(buf, record->use_count);
	jp_buf_put_u8(buf, (uint8_t)record->use_len);
	for (size_t i = 0; i < record->use_len; i++) {
		jp_buf_put_i64(buf, record->uses[i].at);
		jp_buf_put_str(buf, record->uses[i].rhost);
		jp_buf_put_str(buf, record->uses[i].service);
	}
}

void
jp_limits_put(struct jp_buf *buf, const struct jp_record *record)
{
	jp_buf_put_u8(buf, (uint8_t)record->scope_len);
	for (size_t i = 0; i < record->scope_len; i++)
		jp_buf_put_str(buf, record->scopes[i]);
	jp_buf_put_u8(buf, (uint8_t)record->service_len);
	for (size_t i = 0; i < record->service_len; i++)
		jp_buf_put_str(buf, record->services[i]);
	jp_buf_put_u8(buf, (uint8_t)record->net_len);
	for (size_t i = 0; i < record->net_len; i++) {
		jp_buf_put_raw(buf, record->nets[i].address, 16);
		jp_buf_put_u8(buf, record->nets[i].prefix);
	}
}

static void
put_proof(struct jp_buf *buf, const struct jp_record *record)
{
	jp_buf_put_str(buf, record->family);
	jp_buf_put_i64(buf, record->superseded_at);
	jp_buf_put_i64(buf, record->grace_until);
	jp_buf_put_u8(buf, record->keep_until_grace);
	jp_buf_put_str(buf, record->phc);
	jp_buf_put_u8(buf, record->has_fast_tag);
	jp_buf_put_raw(buf, record->fast_tag, JP_FAST_TAG_LEN);
}

/* What came with version 2. */
static void
put_more(struct jp_buf *buf, const struct jp_record *record)
{
	jp_buf_put_str(buf, record->ends);
	jp_buf_put_i64(buf, record->denied_at);
	jp_buf_put_str(buf, record->denied_why);
}

/* What came with version 4. */
static void
put_self_service(struct jp_buf *buf, const struct jp_record *record)
{
	jp_buf_put_str(buf, record->parent);
	jp_buf_put_str(buf, record->owner_group);
	jp_buf_put_i64(buf, record->disabled_at);
	jp_buf_put_str(buf, record->disabled_by);
	jp_buf_put_u32(buf, record->uses_max);
	jp_buf_put_u32(buf, record->uses_left);
	jp_buf_put_i64(buf, record->claim_until);
	jp_buf_put_raw(buf, record->claim_tag, JP_FAST_TAG_LEN);
	for (size_t i = 0; i < record->use_len; i++)
		jp_buf_put_i64(buf, record->uses[i].since);
}

enum jp_err
jp_record_encode(const struct jp_record *record, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_RECORD_MAX);
	jp_buf_put_u8(&buf, JP_RECORD_VERSION);
	jp_buf_put_raw(&buf, record->id, JP_TOKEN_ID_LEN);
	jp_buf_put_str(&buf, record->user);
	jp_buf_put_i64(&buf, record->expires_at);
	jp_buf_put_str(&buf, record->name);
	jp_buf_put_i64(&buf, record->created_at);
	jp_buf_put_str(&buf, record->created_by);
	jp_buf_put_i64(&buf, record->revoked_at);
	jp_buf_put_str(&buf, record->revoked_by);
	jp_buf_put_str(&buf, record->revoked_why);
	put_uses(&buf, record);
	jp_limits_put(&buf, record);
	put_proof(&buf, record);
	put_more(&buf, record);
	jp_buf_put_str(&buf, record->prefix);
	put_self_service(&buf, record);
	*len = buf.pos;
	return buf.err;
}

/* A count of at most `max`, or 0 and an error. */
static size_t
get_count(struct jp_buf *buf, size_t max)
{
	size_t count = jp_buf_get_u8(buf);

	if (count <= max)
		return count;
	jp_buf_fail(buf, JP_ERR_DAMAGED);
	return 0;
}

static bool
get_bool(struct jp_buf *buf)
{
	return get_count(buf, 1) == 1;
}

/* Version, id, user: what jp_record_peek() reads, too. */
static uint8_t
get_head(struct jp_buf *buf, char id[JP_TOKEN_ID_LEN + 1])
{
	uint8_t version = jp_buf_get_u8(buf);

	if (version > JP_RECORD_VERSION)
		jp_buf_fail(buf, JP_ERR_NEWER);
	else if (version == 0)
		jp_buf_fail(buf, JP_ERR_DAMAGED);
	jp_buf_get_raw(buf, id, JP_TOKEN_ID_LEN);
	id[JP_TOKEN_ID_LEN] = '\0';
	if (!jp_token_id_valid(id))
		jp_buf_fail(buf, JP_ERR_DAMAGED);
	return version;
}

static void
get_uses(struct jp_buf *buf, struct jp_record *record)
{
	record->last_used_at = jp_buf_get_i64(buf);
	record->use_count = jp_buf_get_u32(buf);
	record->use_len = get_count(buf, JP_USES_MAX);
	for (size_t i = 0; i < record->use_len; i++) {
		struct jp_use *use = &record->uses[i];

		use->at = jp_buf_get_i64(buf);
		jp_buf_get_str(buf, use->rhost, sizeof(use->rhost));
		jp_buf_get_str(buf, use->service, sizeof(use->service));
	}
}

void
jp_limits_get(struct jp_buf *buf, struct jp_record *record)
{
	record->scope_len = get_count(buf, JP_SCOPES_MAX);
	for (size_t i = 0; i < record->scope_len; i++)
		jp_buf_get_str(
		    buf, record->scopes[i], sizeof(record->scopes[i]));
	record->service_len = get_count(buf, JP_SERVICES_MAX);
	for (size_t i = 0; i < record->service_len; i++)
		jp_buf_get_str(
		    buf, record->services[i], sizeof(record->services[i]));
	record->net_len = get_count(buf, JP_NETS_MAX);
	for (size_t i = 0; i < record->net_len; i++) {
		jp_buf_get_raw(buf, record->nets[i].address, 16);
		record->nets[i].prefix = (uint8_t)get_count(buf, 128);
	}
}

static void
get_proof(struct jp_buf *buf, struct jp_record *record)
{
	jp_buf_get_str(buf, record->family, sizeof(record->family));
	record->superseded_at = jp_buf_get_i64(buf);
	record->grace_until = jp_buf_get_i64(buf);
	record->keep_until_grace = get_bool(buf);
	jp_buf_get_str(buf, record->phc, sizeof(record->phc));
	record->has_fast_tag = get_bool(buf);
	jp_buf_get_raw(buf, record->fast_tag, JP_FAST_TAG_LEN);
}

static void
get_more(struct jp_buf *buf, struct jp_record *record)
{
	jp_buf_get_str(buf, record->ends, sizeof(record->ends));
	record->denied_at = jp_buf_get_i64(buf);
	jp_buf_get_str(buf, record->denied_why, sizeof(record->denied_why));
}

/* Returns where the group that owns it ends. */
static size_t
get_self_service(struct jp_buf *buf, struct jp_record *record)
{
	size_t owner_end;

	jp_buf_get_str(buf, record->parent, sizeof(record->parent));
	jp_buf_get_str(buf, record->owner_group, sizeof(record->owner_group));
	owner_end = buf->pos;
	record->disabled_at = jp_buf_get_i64(buf);
	jp_buf_get_str(buf, record->disabled_by, sizeof(record->disabled_by));
	record->uses_max = jp_buf_get_u32(buf);
	record->uses_left = jp_buf_get_u32(buf);
	record->claim_until = jp_buf_get_i64(buf);
	jp_buf_get_raw(buf, record->claim_tag, JP_FAST_TAG_LEN);
	for (size_t i = 0; i < record->use_len; i++)
		record->uses[i].since = jp_buf_get_i64(buf);
	return owner_end;
}

/* As jp_record_decode(), and where the group that owns it ends. */
static enum jp_err
decode(struct jp_record *record, const uint8_t *bytes, size_t len,
    size_t *owner_end)
{
	struct jp_buf buf;
	uint8_t version;
	enum jp_err err;

	memset(record, 0, sizeof(*record));
	*owner_end = 0;
	if (len > JP_RECORD_MAX)
		return JP_ERR_DAMAGED;
	jp_buf_read(&buf, bytes, len);
	version = get_head(&buf, record->id);
	jp_buf_get_str(&buf, record->user, sizeof(record->user));
	record->expires_at = jp_buf_get_i64(&buf);
	jp_buf_get_str(&buf, record->name, sizeof(record->name));
	record->created_at = jp_buf_get_i64(&buf);
	jp_buf_get_str(&buf, record->created_by, sizeof(record->created_by));
	record->revoked_at = jp_buf_get_i64(&buf);
	jp_buf_get_str(&buf, record->revoked_by, sizeof(record->revoked_by));
	jp_buf_get_str(&buf, record->revoked_why, sizeof(record->revoked_why));
	get_uses(&buf, record);
	jp_limits_get(&buf, record);
	get_proof(&buf, record);
	if (version > 1)
		get_more(&buf, record);
	if (version > 2)
		jp_buf_get_str(&buf, record->prefix, sizeof(record->prefix));
	if (version > 3)
		*owner_end = get_self_service(&buf, record);
	err = jp_buf_end(&buf);
	if (err == JP_ERR_OK)
		return JP_ERR_OK;
	memset(record, 0, sizeof(*record));
	return err == JP_ERR_NEWER ? err : JP_ERR_DAMAGED;
}

enum jp_err
jp_record_decode(struct jp_record *record, const uint8_t *bytes, size_t len)
{
	size_t owner_end;

	return decode(record, bytes, len, &owner_end);
}

enum jp_err
jp_record_peek(const uint8_t *bytes, size_t len, const char **user,
    size_t *user_len, int64_t *expires_at)
{
	char id[JP_TOKEN_ID_LEN + 1];
	char text[JP_USER_MAX + 1];
	struct jp_buf buf;

	if (len > JP_RECORD_MAX)
		return JP_ERR_DAMAGED;
	jp_buf_read(&buf, bytes, len);
	(void)get_head(&buf, id);
	*user_len = jp_buf_get_str(&buf, text, sizeof(text));
	*user = (const char *)bytes + buf.pos - *user_len;
	*expires_at = jp_buf_get_i64(&buf);
	return buf.err;
}

enum jp_err
jp_record_peek_owner(
    const uint8_t *bytes, size_t len, const char **group, size_t *group_len)
{
	struct jp_record record;
	size_t end;
	enum jp_err err = decode(&record, bytes, len, &end);

	*group_len = strlen(record.owner_group);
	*group = (const char *)bytes + (*group_len > 0 ? end - *group_len : 0);
	return err;
}

void
jp_imported_id(const char *user, char id[JP_TOKEN_ID_LEN + 1])
{
	static const char domain[] = "jpat-foreign-v1";
	static const char alphabet[] = JP_TOKEN_ALPHABET;
	crypto_generichash_state state;
	uint8_t hash[crypto_generichash_BYTES];

	(void)crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)domain, sizeof(domain));
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)user, strlen(user));
	(void)crypto_generichash_final(&state, hash, sizeof(hash));
	for (size_t i = 0; i < JP_TOKEN_ID_LEN; i++) {
		unsigned int two = hash[2 * i] * 256U + hash[2 * i + 1];

		id[i] = alphabet[two % (sizeof(alphabet) - 1)];
	}
	id[JP_TOKEN_ID_LEN] = '\0';
}
