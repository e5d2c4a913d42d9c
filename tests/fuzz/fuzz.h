/*
 * A fuzz target is one file with this one function, which aborts where a
 * promise is broken. `make check` links it with fuzz_main.c. For a long run:
 *
 *     clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. -Ibuild \
 *         -DJP_CONFIG_FILE='"/nonexistent"' tests/fuzz/fuzz_record.c \
 *         common/[a-z]*.c -lsodium -ldb-5.3 -ljansson -linih -lpthread \
 *         -o fuzz_record
 *     ./fuzz_record tests/fuzz/corpus/record
 */
#ifndef JP_FUZZ_H
#define JP_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert(3), also where NDEBUG is defined. */
#define FUZZ_ASSERT(truth)                                                     \
	do {                                                                   \
		if (!(truth))                                                  \
			abort();                                               \
	} while (0)

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

#endif
