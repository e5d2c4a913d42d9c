/*
 * The usage of tokens on its way into the store. It is gathered in memory,
 * off the hot path of a verification, and written in batches now and then: a
 * crash may lose the last of them, and nothing else. One token costs one write
 * a batch, however often it was used.
 */
#ifndef JP_USAGE_H
#define JP_USAGE_H

#include "common/decide/core.h"
#include "common/decide/decide.h"
#include "common/wire/verify.h"

/* Tokens that can be gathered between two batches. */
#define JP_USAGE_MAX_TOKENS 4096U

/*
 * So many are better written at once: there is room for more meanwhile, and the
 * log that a start after a kill has to replay stays short.
 */
#define JP_USAGE_MANY_TOKENS (JP_USAGE_MAX_TOKENS / 4)

struct jp_usage;

/* NULL if memory is short; freed with jp_usage_free(). */
struct jp_usage *jp_usage_make(void);

/* Forgets what was not written; NULL is fine. */
void jp_usage_free(struct jp_usage *usage);

/*
 * Records that the token `id` was accepted for `request` at `now`. A use is not
 * counted if its token is one too many between two batches. True, once between
 * two batches: there are many now.
 */
bool jp_usage_note(struct jp_usage *usage, const char *id,
    const struct jp_request *request, int64_t now);

/*
 * Records that the token `id` was denied for `reason` at `now`, after its
 * secret had been proved. Returns as jp_usage_note() does.
 */
bool jp_usage_deny(
    struct jp_usage *usage, const char *id, enum jp_reason reason, int64_t now);

/* Records what is to be kept of a decision, if anything is. */
bool jp_usage_decided(struct jp_core *core, const struct jp_request *request,
    const struct jp_decision *decision);

/* Adds to `record` what was gathered of it and is not written yet. */
void jp_usage_show(struct jp_core *core, struct jp_record *record);

/*
 * Writes what was gathered. A token that is gone is passed over. An error of
 * the store ends it: what was not written is lost, but for where the other
 * hosts of a cluster are out of reach, and it is for the next time.
 */
enum jp_err jp_usage_flush(struct jp_usage *usage, struct jp_core *core);

/*
 * The same for who reads the store, where that waits for the disk alone: in a
 * cluster nobody waits for the others to read, and does without the last uses.
 */
void jp_usage_flush_here(struct jp_core *core);

#endif
