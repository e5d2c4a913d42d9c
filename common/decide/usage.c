#include "common/decide/usage.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/decide/clock_guard.h"
#include "common/decide/write.h"

enum {
	SLOTS = 2 * JP_USAGE_MAX_TOKENS, /* half empty: short searches */
	BATCH = 64,                      /* records in one transaction */
};

/* The uses of one token since the last batch; places newest first. */
struct gathered {
	char id[JP_TOKEN_ID_LEN + 1]; /* "": the slot is free */
	uint32_t count;
	int64_t last_at; /* the latest time of them, whenever it came */
	size_t use_len;
	struct jp_use uses[JP_USES_MAX];
	char first[JP_RHOST_MAX + 1]; /* where the first of them came from */
	int64_t denied_at;            /* JP_NEVER: it was not */
	enum jp_reason denied_why;
	char prefix[JP_TOKEN_PREFIX_MAX + 1]; /* "": not seen yet */
};

struct table {
	size_t len;
	struct gathered slots[SLOTS];
};

struct jp_usage {
	pthread_mutex_t mutex; /* of `open` */
	struct table *open;
};

struct jp_usage *
jp_usage_make(void)
{
	struct jp_usage *usage = calloc(1, sizeof(*usage));

	if (usage == NULL)
		return NULL;
	usage->open = calloc(1, sizeof(*usage->open));
	if (usage->open == NULL) {
		free(usage);
		return NULL;
	}
	(void)pthread_mutex_init(&usage->mutex, NULL);
	return usage;
}

void
jp_usage_free(struct jp_usage *usage)
{
	if (usage == NULL)
		return;
	(void)pthread_mutex_destroy(&usage->mutex);
	free(usage->open);
	free(usage);
}

/* FNV-1a: ids are random, and only accepted tokens come here. */
static size_t
first_slot(const char *id)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *id != '\0'; id++)
		hash = (hash ^ (uint8_t)*id) * UINT32_C(16777619);
	return hash % SLOTS;
}

/* The slot of `id`, or the free one where it would be. */
static struct gathered *
find_slot(struct table *table, const char *id)
{
	size_t at = first_slot(id);

	while (table->slots[at].id[0] != '\0' &&
	       strcmp(table->slots[at].id, id) != 0)
		at = (at + 1) % SLOTS;
	return &table->slots[at];
}

/* The slot of `id`, a new one if need be; NULL if the table is full. */
static struct gathered *
slot_of(struct table *table, const char *id, bool *added)
{
	struct gathered *slot = find_slot(table, id);

	*added = false;
	if (slot->id[0] != '\0')
		return slot;
	if (table->len == JP_USAGE_MAX_TOKENS)
		return NULL;
	table->len++;
	*added = true;
	(void)jp_field_set(slot->id, sizeof(slot->id), id);
	return slot;
}

/* Puts a use in front; an older one from the same place goes. */
static void
push_use(struct jp_use uses[JP_USES_MAX], size_t *len, const struct jp_use *use)
{
	size_t at = 0;

	while (at < *len && (strcmp(uses[at].rhost, use->rhost) != 0 ||
	                        strcmp(uses[at].service, use->service) != 0))
		at++;
	if (at == *len && *len < JP_USES_MAX)
		(*len)++;
	if (at == JP_USES_MAX)
		at--; /* the oldest makes room */
	memmove(&uses[1], &uses[0], at * sizeof(uses[0]));
	uses[0] = *use;
}

/* Since when the address of `use` is among these; else what `use` says. */
static int64_t
since_in(
    const struct jp_use uses[JP_USES_MAX], size_t len, const struct jp_use *use)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(uses[i].rhost, use->rhost) == 0)
			return uses[i].since;
	return use->since;
}

static uint32_t
add_counts(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* A record of an older version learns from its first use what it lacks. */
static void
learn_prefix(struct gathered *gathered, const struct jp_secret *text)
{
	struct jp_token token;

	if (gathered->prefix[0] != '\0' ||
	    jp_token_parse(text->text, text->len, &token) != JP_ERR_OK)
		return;
	memcpy(gathered->prefix, token.prefix, token.prefix_len);
	gathered->prefix[token.prefix_len] = '\0';
}

bool
jp_usage_note(struct jp_usage *usage, const char *id,
    const struct jp_request *request, int64_t now)
{
	struct jp_use use = { .at = now, .since = now };
	struct gathered *gathered;
	bool many;

	if (jp_address_valid(request->rhost))
		(void)jp_field_set(
		    use.rhost, sizeof(use.rhost), request->rhost);
	(void)jp_field_set(use.service, sizeof(use.service), request->service);
	jp_mask(use.service);
	pthread_mutex_lock(&usage->mutex);
	gathered = slot_of(usage->open, id, &many);
	many = many && usage->open->len == JP_USAGE_MANY_TOKENS;
	if (gathered != NULL) {
		if (gathered->count == 0)
			memcpy(gathered->first, use.rhost, sizeof(use.rhost));
		gathered->count = add_counts(gathered->count, 1);
		if (now > gathered->last_at)
			gathered->last_at = now;
		use.since = since_in(gathered->uses, gathered->use_len, &use);
		push_use(gathered->uses, &gathered->use_len, &use);
		learn_prefix(gathered, &request->token);
	}
	pthread_mutex_unlock(&usage->mutex);
	return many;
}

bool
jp_usage_deny(
    struct jp_usage *usage, const char *id, enum jp_reason reason, int64_t now)
{
	struct gathered *gathered;
	bool many;

	pthread_mutex_lock(&usage->mutex);
	gathered = slot_of(usage->open, id, &many);
	many = many && usage->open->len == JP_USAGE_MANY_TOKENS;
	if (gathered != NULL) {
		gathered->denied_at = now;
		gathered->denied_why = reason;
	}
	pthread_mutex_unlock(&usage->mutex);
	return many;
}

bool
jp_usage_decided(struct jp_core *core, const struct jp_request *request,
    const struct jp_decision *decision)
{
	int64_t now = jp_clock_now(&core->clock);

	if (core->usage == NULL || request->account)
		return false;
	if (decision->verdict == JP_ACCEPT)
		return jp_usage_note(core->usage, decision->id, request, now);
	return jp_reason_proved(decision->reason) &&
	       jp_usage_deny(core->usage, decision->id, decision->reason, now);
}

/*
 * Where a token is used first is where it was set up, of which nobody wants to
 * hear: that place has no time. Others are new by what the record knew before,
 * as one that it drops now may come back in the same batch.
 */
static void
apply_uses(
    const struct gathered *gathered, struct jp_record *record, int64_t limit)
{
	struct jp_use before[JP_USES_MAX];
	size_t len = record->use_len;
	bool first = record->use_count == 0;

	memcpy(before, record->uses, sizeof(before));
	for (size_t i = gathered->use_len; i-- > 0;) {
		struct jp_use use = gathered->uses[i];

		if (use.since > limit)
			use.since = limit;
		if (first && strcmp(use.rhost, gathered->first) == 0)
			use.since = JP_NEVER;
		use.since = since_in(before, len, &use);
		push_use(record->uses, &record->use_len, &use);
	}
}

/*
 * A clock that was behind for a moment must not make a token seem unused, nor
 * one that was far ahead, beyond `limit`, seem used for ever: times only grow.
 */
static void
apply(const struct gathered *gathered, struct jp_record *record, int64_t limit)
{
	if (gathered->count > 0)
		apply_uses(gathered, record, limit);
	record->use_count = add_counts(record->use_count, gathered->count);
	if (gathered->last_at > record->last_used_at &&
	    gathered->last_at <= limit)
		record->last_used_at = gathered->last_at;
	if (gathered->denied_at > record->denied_at &&
	    gathered->denied_at <= limit) {
		record->denied_at = gathered->denied_at;
		(void)jp_field_set(record->denied_why,
		    sizeof(record->denied_why),
		    jp_reason_name(gathered->denied_why));
	}
	if (record->prefix[0] == '\0')
		memcpy(
		    record->prefix, gathered->prefix, sizeof(record->prefix));
}

void
jp_usage_show(struct jp_core *core, struct jp_record *record)
{
	struct jp_usage *usage = core->usage;
	int64_t limit = jp_clock_guard_limit(core);
	const struct gathered *gathered;

	if (usage == NULL)
		return;
	pthread_mutex_lock(&usage->mutex);
	gathered = find_slot(usage->open, record->id);
	if (gathered->id[0] != '\0')
		apply(gathered, record, limit);
	pthread_mutex_unlock(&usage->mutex);
}

/* Slots of a table that go into one transaction. */
struct flush {
	const struct table *table;
	size_t at;   /* the first */
	size_t next; /* behind the last */
	struct jp_record *records;
};

/*
 * Writes the next slots, from `at` on. Records are read under the write lock: a
 * revocation cannot get lost.
 */
static enum jp_err
flush_batch(struct jp_core *core, void *arg)
{
	struct flush *flush = arg;
	struct jp_change changes[BATCH];
	enum jp_err err = JP_ERR_OK;
	size_t count = 0, at;

	for (at = flush->at; at < SLOTS && count < BATCH; at++) {
		const struct gathered *slot = &flush->table->slots[at];

		if (slot->id[0] == '\0')
			continue;
		err =
		    jp_store_get(core->store, slot->id, &flush->records[count]);
		if (err == JP_ERR_NOT_FOUND)
			continue;
		if (err != JP_ERR_OK)
			return err;
		apply(slot, &flush->records[count], jp_clock_guard_limit(core));
		changes[count].kind = JP_CHANGE_REPLACE;
		changes[count].record = &flush->records[count];
		count++;
	}
	flush->next = at;
	return jp_store_commit(core->store, changes, count);
}

/* Takes the gathered usage out, if there are any, and leaves an empty table. */
static enum jp_err
swap_table(struct jp_usage *usage, struct table **full)
{
	struct table *fresh = NULL;
	enum jp_err err = JP_ERR_OK;

	*full = NULL;
	pthread_mutex_lock(&usage->mutex);
	if (usage->open->len > 0) {
		fresh = calloc(1, sizeof(*fresh));
		err = fresh != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	}
	if (fresh != NULL) {
		*full = usage->open;
		usage->open = fresh;
	}
	pthread_mutex_unlock(&usage->mutex);
	return err;
}

/* What came since goes on top of what was there before. */
static void
combine(struct gathered *slot, const struct gathered *old)
{
	const struct gathered since = *slot;

	*slot = *old;
	for (size_t i = since.use_len; i-- > 0;) {
		struct jp_use use = since.uses[i];

		use.since = since_in(old->uses, old->use_len, &use);
		push_use(slot->uses, &slot->use_len, &use);
	}
	if (old->count == 0)
		memcpy(slot->first, since.first, sizeof(slot->first));
	slot->count = add_counts(old->count, since.count);
	if (since.last_at > slot->last_at)
		slot->last_at = since.last_at;
	if (since.denied_at != JP_NEVER) {
		slot->denied_at = since.denied_at;
		slot->denied_why = since.denied_why;
	}
	if (slot->prefix[0] == '\0')
		memcpy(slot->prefix, since.prefix, sizeof(slot->prefix));
}

/* What was not written, from `at` on, is for the next time. */
static void
keep(struct jp_usage *usage, const struct table *table, size_t at)
{
	pthread_mutex_lock(&usage->mutex);
	for (; at < SLOTS; at++) {
		struct gathered *slot = NULL;
		bool added;

		if (table->slots[at].id[0] != '\0')
			slot =
			    slot_of(usage->open, table->slots[at].id, &added);
		if (slot != NULL)
			combine(slot, &table->slots[at]);
	}
	pthread_mutex_unlock(&usage->mutex);
}

/*
 * Where other hosts of a cluster are in the way, or cannot be reached, or the
 * database refuses it, it is only late. Of a commit that may have been made
 * only the rest is kept: no use counts twice.
 */
static void
keep_rest(struct jp_usage *usage, const struct flush *flush, enum jp_err err)
{
	if (err == JP_ERR_UNREACHABLE || err == JP_ERR_LOCKED)
		keep(usage, flush->table, flush->at);
	else if (err != JP_ERR_OK)
		keep(usage, flush->table, flush->next);
}

enum jp_err
jp_usage_flush(struct jp_usage *usage, struct jp_core *core)
{
	struct flush flush = { .at = 0 };
	struct table *full;
	enum jp_err err = swap_table(usage, &full);

	if (full == NULL)
		return err;
	flush.table = full;
	flush.records = calloc(BATCH, sizeof(*flush.records));
	if (flush.records == NULL)
		err = JP_ERR_NOMEM;
	while (err == JP_ERR_OK && flush.at < SLOTS) {
		err = jp_write(core, JP_BEGIN_QUIET, NULL, flush_batch, &flush);
		if (err == JP_ERR_OK)
			flush.at = flush.next;
	}
	keep_rest(usage, &flush, err);
	free(flush.records);
	free(full);
	return err;
}

void
jp_usage_flush_here(struct jp_core *core)
{
	if (core->usage != NULL && core->cluster == NULL)
		(void)jp_usage_flush(core->usage, core);
}
