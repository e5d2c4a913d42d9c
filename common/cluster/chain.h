/*
 * The chain of batches: who can write the database, but has no pepper, can
 * neither change a batch nor leave one out, reorder, repeat or invent one.
 *
 *     key    = BLAKE2b-256(pepper, "jpat-cluster-v1")
 *     mac(0) = BLAKE2b-256(key, "jpat-chain-start-v1", cluster)
 *     mac(n) = BLAKE2b-256(key, "jpat-chain-v1", cluster, n, mac(n - 1), id,
 *                  node, time, bytes)
 *     part   = BLAKE2b-256(key, "jpat-snapshot-v1", cluster, seq, mac(seq),
 *                  parts, part, bytes)
 *
 * Numbers are eight bytes, big end first; node and bytes are preceded by their
 * length. What the chain cannot see: that the log ends early (leases are for
 * that, common/cluster/lease.h), or that a host which joins is given an old log
 * and its old snapshot.
 */
#ifndef JP_CHAIN_H
#define JP_CHAIN_H

#include "common/cluster/link.h"
#include "common/record/pepper.h"
#include "common/store/store.h"

struct jp_chain {
	uint8_t key[32];
	uint8_t cluster[JP_CLUSTER_ID_LEN];
};

/* Derives the key; the pepper may be cleared afterwards. */
void jp_chain_init(struct jp_chain *chain, const struct jp_pepper *pepper,
    const uint8_t cluster[JP_CLUSTER_ID_LEN]);
void jp_chain_clear(struct jp_chain *chain);

/* The position before the first batch: seq 0, mac(0). */
void jp_chain_start(const struct jp_chain *chain, struct jp_position *start);

/*
 * The position `to` that the batch leads to from `from`; of `batch` id, node,
 * time and len are read, and not mac or seq.
 */
void jp_chain_next(const struct jp_chain *chain, const struct jp_position *from,
    const struct jp_link_batch *batch, const uint8_t *bytes,
    struct jp_position *to);

/*
 * Whether a batch from the log is the one behind `from`: JP_ERR_CONFLICT if its
 * seq is not the next, JP_ERR_CHECKSUM if its MAC is wrong. Only for JP_ERR_OK
 * `to` is set. In constant time.
 */
enum jp_err jp_chain_check(const struct jp_chain *chain,
    const struct jp_position *from, const struct jp_link_batch *batch,
    const uint8_t *bytes, struct jp_position *to);

/* Sets `part_mac` of a part, whose other fields are set. */
void jp_chain_part(const struct jp_chain *chain,
    struct jp_link_snapshot *snapshot, const uint8_t *bytes);

/*
 * Whether a part is one of the snapshot that it says: JP_ERR_CHECKSUM. That all
 * parts are of the same snapshot, and each came once, is to be compared: seq,
 * mac and parts are the same, part counts up.
 */
enum jp_err jp_chain_check_part(const struct jp_chain *chain,
    const struct jp_link_snapshot *snapshot, const uint8_t *bytes);

#endif
