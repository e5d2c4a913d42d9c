/*
 * An input that says what happens in a run: lines of any bytes but LF, taken
 * one by one. What is behind its end is empty.
 */
#ifndef JP_FUZZ_SCRIPT_H
#define JP_FUZZ_SCRIPT_H

#include <stdbool.h>

#include "tests/fuzz/fuzz.h"

struct script {
	char *memory; /* of all texts */
	char *at, *end;
};

/* A piece of it, closed by a NUL; there may be others in it. */
struct script_text {
	char *text;
	size_t len;
};

/* To be ended with script_end(). */
static inline struct script
script_begin(const uint8_t *data, size_t size)
{
	char *memory = fuzz_text(data, size);

	return (struct script){ memory, memory, memory + size };
}

static inline void
script_end(struct script *script)
{
	free(script->memory);
}

static inline bool
script_over(const struct script *script)
{
	return script->at == script->end;
}

static inline struct script_text
script_line(struct script *script)
{
	size_t left = (size_t)(script->end - script->at);
	char *start = script->at, *end = memchr(start, '\n', left);

	script->at = end != NULL ? end + 1 : script->end;
	if (end == NULL)
		end = script->end;
	*end = '\0';
	return (struct script_text){ start, (size_t)(end - start) };
}

/* All that is left. */
static inline struct script_text
script_rest(struct script *script)
{
	char *start = script->at;

	script->at = script->end;
	return (struct script_text){ start, (size_t)(script->end - start) };
}

#endif
