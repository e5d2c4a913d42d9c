#include "tools/commands/cluster_own.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/grow.h"

enum jp_err
cluster_own_read(
    struct cluster_own *own, struct cluster_store *store, struct jp_why *why)
{
	struct jp_walk walk = { .ended = false };
	enum jp_err err = JP_ERR_OK;

	memcpy(own->tag, store->tag, sizeof(own->tag));
	while (err == JP_ERR_OK && !walk.ended) {
		struct jp_batch *part;

		err = JP_GROW(own->parts, own->len, own->cap);
		if (err != JP_ERR_OK)
			break;
		part = &own->parts[own->len++];
		err = jp_batch_start(part);
		if (err == JP_ERR_OK)
			err = jp_store_walk(
			    store->store, &walk, part, CLUSTER_PART);
	}
	return cluster_store_why(store->store, err, why);
}

bool
cluster_own_empty(const struct cluster_own *own)
{
	for (size_t i = 0; i < own->len; i++)
		if (own->parts[i].count > 0)
			return false;
	return true;
}

void
cluster_own_free(struct cluster_own *own)
{
	for (size_t i = 0; i < own->len; i++)
		jp_batch_free(&own->parts[i]);
	free(own->parts);
	own->parts = NULL;
	own->len = own->cap = 0;
}
