#include "common/base/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST = 16, /* items of a new array */
};

enum jp_err
jp_grow(void *items, size_t len, size_t *cap, size_t size)
{
	size_t more = *cap != 0 ? 2 * *cap : FIRST;
	void *old, *array;

	if (len < *cap)
		return JP_ERR_OK;
	if (*cap > SIZE_MAX / 2 / size)
		return JP_ERR_NOMEM;
	memcpy(&old, items, sizeof(old));
	array = realloc(old, more * size);
	if (array == NULL)
		return JP_ERR_NOMEM;
	memcpy(items, &array, sizeof(array));
	*cap = more;
	/* cppcheck-suppress memleak ; `items` points to it */
	return JP_ERR_OK;
}
