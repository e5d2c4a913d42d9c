/*
 * A token as people paste it into a field that is none for it. No log may show
 * SPELLINGS_SECRET, the beginning of its secret.
 */
#ifndef JP_TESTS_SPELLINGS_H
#define JP_TESTS_SPELLINGS_H

#define SPELLINGS_TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define SPELLINGS_SECRET "cdgXNCT"

static const char *const spellings[] = {
	SPELLINGS_TOKEN,
	SPELLINGS_TOKEN "@realm",
	SPELLINGS_TOKEN " ",
	" " SPELLINGS_TOKEN,
	"alice " SPELLINGS_TOKEN,
	"alice:" SPELLINGS_TOKEN,
	"DOMAIN\\" SPELLINGS_TOKEN,
	SPELLINGS_TOKEN " " SPELLINGS_TOKEN,
	SPELLINGS_TOKEN SPELLINGS_TOKEN,
	"acme_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
	"jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE",
	"jpat_D4oBwk0S_cdgXNCTZuXCvl14LW",
	"D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
	"cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
	"jpat-D4oBwk0S-cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
};

enum { SPELLINGS_COUNT = sizeof(spellings) / sizeof(spellings[0]) };

#endif
