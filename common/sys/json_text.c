#include "common/sys/json_text.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/*
 * Of 17 digits, which jansson writes otherwise, the last two tell 6.619 from
 * its neighbours in binary; all that we have to write has less than 15.
 */
#define FORM (JSON_COMPACT | JSON_REAL_PRECISION(15))

static _Thread_local bool lost;

static void *
watched(size_t size)
{
	void *memory = malloc(size);

	lost |= memory == NULL;
	return memory;
}

void
jp_json_free(void *text)
{
	if (text != NULL)
		explicit_bzero(text, malloc_usable_size(text));
	free(text);
}

void
jp_json_watch(void)
{
	json_set_alloc_funcs(watched, jp_json_free);
}

bool
jp_json_lost(void)
{
	bool was = lost;

	lost = false;
	return was;
}

char *
jp_json_text(json_t *json)
{
	char *text = json != NULL ? json_dumps(json, FORM) : NULL;

	if (!jp_json_lost())
		return text;
	jp_json_free(text);
	return NULL;
}
