/* Arrays that grow as items come. */
#ifndef JP_GROW_H
#define JP_GROW_H

#include <stddef.h>

#include "common/base/err.h"

/*
 * Makes room in the array `items` of `cap` items, the first `len` of them in
 * use, for one more: `items` and `cap` change when it is full. It begins as
 * NULL and 0; the caller frees it. JP_ERR_NOMEM, also where the size would
 * overflow, leaves both as they are.
 */
#define JP_GROW(items, len, cap)                                               \
	jp_grow(&(items), (len), &(cap), sizeof(*(items)))

/* The function behind it: `items` points to the pointer to the array. */
enum jp_err jp_grow(void *items, size_t len, size_t *cap, size_t size);

#endif
