#include "tests/timing/one_token.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/settings.h"
#include "common/record/token_make.h"

#define PHC                                                                    \
	"$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$"                   \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct one_token one;

static enum jp_err
get(struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	(void)store;
	(void)id;
	(void)wait;
	memcpy(record, &one.stored, sizeof(*record));
	return one.is_stored ? JP_ERR_OK : JP_ERR_NOT_FOUND;
}

static void
close_store(struct jp_store *store)
{
	(void)store;
}

struct one_token *
one_token_open(void)
{
	static const struct jp_store_ops ops = { .get = get,
		.close = close_store };
	static const struct jp_pepper pepper = { { 1, 2, 3 } };
	static struct jp_store store = { .ops = &ops };
	static struct jp_settings settings;
	struct jp_secret *text = &one.request.token;
	struct jp_token token;

	jp_settings_default(&settings);
	if (jp_core_init(&one.core, &store, &pepper, &settings.policy,
	        &jp_system_clock) != JP_ERR_OK)
		exit(2);
	jp_token_make("jpat", text, one.stored.id);
	(void)jp_token_parse(text->text, text->len, &token);
	jp_pepper_fast_tag(
	    &one.core.pepper, token.id, token.secret, one.fast_tag);
	memcpy(one.stored.phc, PHC, sizeof(PHC));
	one.stored.has_fast_tag = true;
	one.is_stored = true;
	return &one;
}
