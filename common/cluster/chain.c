#include "common/cluster/chain.h"

#include <sodium.h>
#include <string.h>

_Static_assert(JP_CHAIN_LEN == JP_LINK_MAC_LEN &&
                   JP_CLUSTER_ID_LEN == JP_LINK_ID_LEN &&
                   JP_PEPPER_NAME_LEN == JP_LINK_TAG_LEN &&
                   JP_BATCH_BYTES_MAX == JP_LINK_BYTES_MAX,
    "the messages carry what the store keeps");
_Static_assert(JP_CHAIN_LEN == crypto_generichash_BYTES, "BLAKE2b-256");

void
jp_chain_init(struct jp_chain *chain, const struct jp_pepper *pepper,
    const uint8_t cluster[JP_CLUSTER_ID_LEN])
{
	jp_pepper_derive(
	    pepper, "jpat-cluster-v1", chain->key, sizeof(chain->key));
	memcpy(chain->cluster, cluster, sizeof(chain->cluster));
}

void
jp_chain_clear(struct jp_chain *chain)
{
	sodium_memzero(chain, sizeof(*chain));
}

/* ---- a MAC over several things ---- */

struct mac {
	crypto_generichash_state state;
};

static void
add(struct mac *mac, const void *bytes, size_t len)
{
	crypto_generichash_update(&mac->state, bytes, len);
}

static void
add_number(struct mac *mac, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
	add(mac, bytes, sizeof(bytes));
}

/* What has no fixed length says how long it is. */
static void
add_sized(struct mac *mac, const void *bytes, size_t len)
{
	add_number(mac, len);
	add(mac, bytes, len);
}

static void
mac_start(struct mac *mac, const struct jp_chain *chain, const char *domain)
{
	crypto_generichash_init(
	    &mac->state, chain->key, sizeof(chain->key), JP_CHAIN_LEN);
	add(mac, domain, strlen(domain));
	add(mac, chain->cluster, sizeof(chain->cluster));
}

static void
mac_end(struct mac *mac, uint8_t tag[JP_CHAIN_LEN])
{
	crypto_generichash_final(&mac->state, tag, JP_CHAIN_LEN);
	sodium_memzero(mac, sizeof(*mac));
}

/* ---- batches ---- */

void
jp_chain_start(const struct jp_chain *chain, struct jp_position *start)
{
	struct mac mac;

	memset(start, 0, sizeof(*start));
	memcpy(start->cluster, chain->cluster, sizeof(start->cluster));
	mac_start(&mac, chain, "jpat-chain-start-v1");
	mac_end(&mac, start->mac);
}

void
jp_chain_next(const struct jp_chain *chain, const struct jp_position *from,
    const struct jp_link_batch *batch, const uint8_t *bytes,
    struct jp_position *to)
{
	struct jp_position next = { .seq = from->seq + 1 };
	struct mac mac;

	memcpy(next.cluster, chain->cluster, sizeof(next.cluster));
	mac_start(&mac, chain, "jpat-chain-v1");
	add_number(&mac, next.seq);
	add(&mac, from->mac, sizeof(from->mac));
	add(&mac, batch->id, sizeof(batch->id));
	add_sized(&mac, batch->node, strlen(batch->node));
	add_number(&mac, (uint64_t)batch->time);
	add_sized(&mac, bytes, batch->len);
	mac_end(&mac, next.mac);
	*to = next;
}

enum jp_err
jp_chain_check(const struct jp_chain *chain, const struct jp_position *from,
    const struct jp_link_batch *batch, const uint8_t *bytes,
    struct jp_position *to)
{
	struct jp_position next;

	if (batch->seq != from->seq + 1)
		return JP_ERR_CONFLICT;
	jp_chain_next(chain, from, batch, bytes, &next);
	if (sodium_memcmp(next.mac, batch->mac, sizeof(next.mac)) != 0)
		return JP_ERR_CHECKSUM;
	*to = next;
	return JP_ERR_OK;
}

/* ---- snapshots ---- */

static void
part_mac(const struct jp_chain *chain, const struct jp_link_snapshot *snapshot,
    const uint8_t *bytes, uint8_t tag[JP_CHAIN_LEN])
{
	struct mac mac;

	mac_start(&mac, chain, "jpat-snapshot-v1");
	add_number(&mac, snapshot->seq);
	add(&mac, snapshot->mac, sizeof(snapshot->mac));
	add_number(&mac, snapshot->parts);
	add_number(&mac, snapshot->part);
	add_sized(&mac, bytes, snapshot->len);
	mac_end(&mac, tag);
}

void
jp_chain_part(const struct jp_chain *chain, struct jp_link_snapshot *snapshot,
    const uint8_t *bytes)
{
	part_mac(chain, snapshot, bytes, snapshot->part_mac);
}

enum jp_err
jp_chain_check_part(const struct jp_chain *chain,
    const struct jp_link_snapshot *snapshot, const uint8_t *bytes)
{
	uint8_t tag[JP_CHAIN_LEN];

	part_mac(chain, snapshot, bytes, tag);
	return sodium_memcmp(tag, snapshot->part_mac, sizeof(tag)) == 0
	           ? JP_ERR_OK
	           : JP_ERR_CHECKSUM;
}
