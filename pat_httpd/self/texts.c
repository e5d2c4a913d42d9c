#include "pat_httpd/self/texts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const texts[TEXT_COUNT][LANG_COUNT] = {
#define TEXT_ROW(code, english, german)                                        \
	[TEXT_##code] = { [LANG_EN] = (english), [LANG_DE] = (german) },
	TEXT_LIST(TEXT_ROW)
#undef TEXT_ROW
};

static const struct {
	const char *tag, *name;
} langs[LANG_COUNT] = {
#define LANG_ROW(code, tag, name) [LANG_##code] = { (tag), (name) },
	LANG_LIST(LANG_ROW)
#undef LANG_ROW
};

const char *
text_of(enum lang lang, enum text text)
{
	return texts[text][lang];
}

const char *
lang_tag(enum lang lang)
{
	return langs[lang].tag;
}

const char *
lang_name(enum lang lang)
{
	return langs[lang].name;
}

bool
lang_find(const char *tag, size_t len, enum lang *lang)
{
	for (size_t i = 0; i < LANG_COUNT; i++) {
		if (len != strlen(langs[i].tag) ||
		    strncasecmp(tag, langs[i].tag, len) != 0)
			continue;
		*lang = (enum lang)i;
		return true;
	}
	return false;
}

/* ---- Accept-Language ---- */

enum {
	WEIGHT_ONE = 1000,
};

/* Thousandths of ";q=0.8"; 0, which means never, for what is none. */
static int
weight_of(const char *text, size_t len)
{
	const char *q = memchr(text, '=', len);
	const char *end = text + len;
	int weight = 0;

	if (memchr(text, ';', len) == NULL)
		return WEIGHT_ONE;
	if (q == NULL || ++q == end || (*q != '0' && *q != '1'))
		return 0;
	if (*q == '1')
		return WEIGHT_ONE;
	if (++q == end || *q++ != '.')
		return 0;
	for (int digit = WEIGHT_ONE / 10; digit > 0; digit /= 10, q++) {
		if (q >= end || *q < '0' || *q > '9')
			break;
		weight += digit * (*q - '0');
	}
	return weight;
}

enum lang
lang_accepted(const char *field)
{
	enum lang best = (enum lang)0, lang;
	int best_weight = 0;

	while (field != NULL && *field != '\0') {
		size_t blanks = strspn(field, " \t,");
		const char *range = field + blanks;
		size_t len = strcspn(range, ",");
		int weight = weight_of(range, len);

		field = range + len;
		/* The primary subtag alone: there are no others here. */
		if (!lang_find(range, strcspn(range, "-; \t,"), &lang))
			continue;
		if (weight > best_weight) {
			best_weight = weight;
			best = lang;
		}
	}
	return best;
}

/* ---- with arguments ---- */

/* What stands around an argument: markup, or FSI and PDI. */
struct isolation {
	const char *before, *behind;
};

static const struct isolation by_markup = { "<bdi>", "</bdi>" };
/* NOLINTNEXTLINE(misc-misleading-bidirectional): these are what it is for. */
static const struct isolation by_chars = { "\xE2\x81\xA8", "\xE2\x81\xA9" };

/* Adds {N}, at which `text` points, and returns what is behind. */
static const char *
add_arg(struct html *html, const char *text,
    const char *const args[TEXT_ARGS_MAX], const struct isolation *isolation)
{
	size_t i = (size_t)(text[1] - '0');

	if (text[1] < '0' || i >= TEXT_ARGS_MAX || text[2] != '}' ||
	    args[i] == NULL) {
		html->failed = true;
		return text + strlen(text);
	}
	html_add_markup(html, isolation->before);
	html_add_text(html, args[i], strlen(args[i]));
	html_add_markup(html, isolation->behind);
	return text + strlen("{0}");
}

static void
say(struct html *html, const char *text, const char *const args[TEXT_ARGS_MAX],
    const struct isolation *isolation)
{
	while (*text != '\0' && !html->failed) {
		size_t len = strcspn(text, "{");

		html_add_text(html, text, len);
		text += len;
		if (*text == '{')
			text = add_arg(html, text, args, isolation);
	}
}

void
html_say_args(struct html *html, enum lang lang, enum text text,
    const char *const args[TEXT_ARGS_MAX])
{
	say(html, text_of(lang, text), args, &by_markup);
}

void
html_say_plain(
    struct html *html, enum lang lang, enum text text, const char *arg)
{
	say(html, text_of(lang, text),
	    (const char *const[TEXT_ARGS_MAX]){ arg }, &by_chars);
}
