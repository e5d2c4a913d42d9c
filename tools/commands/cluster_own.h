/*
 * What a host has of its own when it joins a cluster: tokens, users and
 * credentials, as they are stored.
 */
#ifndef PAT_ADMIN_CLUSTER_OWN_H
#define PAT_ADMIN_CLUSTER_OWN_H

#include "tools/commands/cluster_work.h"

/* What there was, as batches. */
struct cluster_own {
	struct jp_batch *parts;
	size_t len, cap;
	uint8_t tag[JP_PEPPER_NAME_LEN]; /* of the pepper of its fast tags */
	uint64_t added, ended, known;    /* of tokens, users, credentials */
};

/* Copies what is in the store, while nobody writes. */
enum jp_err cluster_own_read(
    struct cluster_own *own, struct cluster_store *store, struct jp_why *why);

bool cluster_own_empty(const struct cluster_own *own);

void cluster_own_free(struct cluster_own *own);

#endif
