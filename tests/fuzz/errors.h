/* What a target writes to standard error: kept, and searched for secrets. */
#ifndef JP_FUZZ_ERRORS_H
#define JP_FUZZ_ERRORS_H

#include "tests/fuzz/fuzz.h"

struct fuzz_errors {
	FILE *real;
	char *text;
	size_t len;
};

static inline void
fuzz_errors_take(struct fuzz_errors *errors)
{
	errors->real = stderr;
	stderr = open_memstream(&errors->text, &errors->len);
	FUZZ_ASSERT(stderr != NULL);
}

static inline void
fuzz_errors_end(struct fuzz_errors *errors)
{
	(void)fclose(stderr);
	stderr = errors->real;
	fuzz_hides(errors->text);
	free(errors->text);
}

#endif
