/*
 * A fuzz target is one file with this one function, which aborts where a
 * promise is broken. `make check` links it with fuzz_main.c, `make fuzz` with
 * clang's libFuzzer.
 */
#ifndef JP_FUZZ_H
#define JP_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(3), also where NDEBUG is defined. */
#define FUZZ_ASSERT(truth)                                                     \
	do {                                                                   \
		if (!(truth))                                                  \
			fuzz_broken(__FILE__, __LINE__, #truth);               \
	} while (0)

static inline void __attribute__((noreturn, cold))
fuzz_broken(const char *file, int line, const char *promise)
{
	(void)fprintf(stderr, "# %s:%d: %s\n", file, line, promise);
	abort();
}

/* A function that --wrap puts in the place of another one. */
#define FUZZ_WRAP(type, name, ...)                                             \
	type __real_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__)

/* A copy of `data` closed by a NUL, in memory of just that length. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_ASSERT(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A stream that reads `data`, which outlives it. */
static inline FILE *
fuzz_file(const uint8_t *data, size_t size)
{
	FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r")
	                      : fopen("/dev/null", "re");

	FUZZ_ASSERT(file != NULL);
	return file;
}

/* A token that inputs hold. Nothing that anyone else may read shows it. */
#define FUZZ_TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

static inline void
fuzz_hides(const char *text)
{
	FUZZ_ASSERT(strstr(text, FUZZ_TOKEN) == NULL);
}

/* An error says something. */
static inline void
fuzz_says(const char *text)
{
	FUZZ_ASSERT(text[0] != '\0');
	fuzz_hides(text);
}

#endif
