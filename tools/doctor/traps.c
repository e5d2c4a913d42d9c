#include "tools/doctor/traps.h"

#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "tools/cli/prefixes.h"
#include "tools/doctor/addresses.h"

enum {
	DETAIL_MAX = 128, /* bytes of one that are shown */
};

/* What every trap must have, or it does not compile. */
#define TRAP_WHOLE(code, level, door, name, text)                              \
	_Static_assert((level) != LEVEL_OK, #code " is no trap");              \
	_Static_assert(                                                        \
	    sizeof(door) > 1 && sizeof(name) > 1 && sizeof(text) > 1,          \
	    #code " needs door, name and text");
TRAP_LIST(TRAP_WHOLE)
#undef TRAP_WHOLE

static const struct {
	enum level level;
	const char *door;
	const char *name;
	const char *text;
} traps[TRAP_COUNT] = {
#define TRAP_ROW(code, level, door, name, text)                                \
	[TRAP_##code] = { level, door, name, text },
	TRAP_LIST(TRAP_ROW)
#undef TRAP_ROW
};

/* FNV-1a, 64 bits: to tell findings apart, not to protect them. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static bool
seen_before(struct trap_places *places, uint64_t hash)
{
	for (size_t i = 0; i < places->len; i++)
		if (places->at[i] == hash)
			return true;
	if (places->len < TRAP_PLACES_MAX)
		places->at[places->len++] = hash;
	return false;
}

void
trap_report(struct config_scan *scan, enum trap trap, const char *file,
    unsigned int line, const char *detail)
{
	char path[JP_ESCAPED_MAX(JP_PATH_MAX)], shown[DETAIL_MAX] = "";
	char text[2 * JP_WHY_MAX];
	struct report_place place = { traps[trap].name, path, line };
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), file);

	if (detail != NULL)
		(void)jp_escape(shown, sizeof(shown), detail);
	address_hide(shown);
	hash = hash_text(hash ^ (uint64_t)trap << 32 ^ line, shown);
	if (seen_before(scan->reported, hash))
		return;
	scan->found++;
	(void)jp_escape(path, sizeof(path), file);
	(void)snprintf(text, sizeof(text), "%s%s%s", shown,
	    shown[0] != '\0' ? ": " : "", traps[trap].text);
	report_trap(
	    scan->doctor, traps[trap].level, traps[trap].door, &place, text);
}

void
trap_guard(struct config_scan *scan, enum trap trap, const char *text,
    const char *file, unsigned int line)
{
	char detail[JP_TOKEN_PREFIX_MAX + sizeof("prefix ")];
	const char *prefix;

	if (guard_complete(text, &scan->doctor->settings->policy, &prefix))
		return;
	(void)snprintf(detail, sizeof(detail), "prefix %s", prefix);
	trap_report(scan, trap, file, line, detail);
}
