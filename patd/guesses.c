#include "patd/guesses.h"

#include <string.h>

#include "common/record/record.h"
#include "common/wire/token.h"

void
guesses_init(struct jp_throttle *guesses)
{
	jp_throttle_init(guesses, JP_THROTTLE_BURST, JP_THROTTLE_REFILL_MS);
}

/*
 * Which secret the text is a guess of: that of the token whose id it has, or
 * one that may have been imported for the user. False: of none, or it has a
 * typing error, and is refused whatever there is in the store.
 */
static bool
get_target(const struct jp_request *request, char id[JP_TOKEN_ID_LEN + 1])
{
	const struct jp_secret *text = &request->token;
	struct jp_token token;
	enum jp_err err = jp_token_parse(text->text, text->len, &token);

	if (err == JP_ERR_OK) {
		memcpy(id, token.id, JP_TOKEN_ID_LEN);
		return true;
	}
	if (err == JP_ERR_CHECKSUM || request->user[0] == '\0')
		return false;
	jp_imported_id(request->user, id);
	return true;
}

void
guesses_count(struct jp_throttle *guesses, const struct jp_request *request,
    struct jp_decision *decision, int64_t now_ms)
{
	char id[JP_TOKEN_ID_LEN + 1];

	if (!request->detailed || request->account ||
	    decision->verdict != JP_DENY || jp_reason_proved(decision->reason))
		return;
	if (get_target(request, id) &&
	    jp_throttle_take(guesses, id, JP_TOKEN_ID_LEN, now_ms) > 0)
		decision->denial = JP_DENIAL_THROTTLED;
}
