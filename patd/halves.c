#include "patd/halves.h"

#include <sodium.h>

enum {
	PIECE = 128, /* places that are taken from the kernel at once */
};

_Static_assert(PIECE *(sizeof(((struct halves *)NULL)->pieces) /
                       sizeof(struct half *)) == HALVES_MAX,
    "the pieces make up all places");

void
halves_init(struct halves *halves)
{
	TAILQ_INIT(&halves->free);
	TAILQ_INIT(&halves->taken);
	halves->piece_len = 0;
}

void
halves_free(struct halves *halves)
{
	while (halves->piece_len > 0)
		sodium_free(halves->pieces[--halves->piece_len]);
	halves_init(halves);
}

/* What it costs is kept until the end: it is little, and locked. */
static bool
take_piece(struct halves *halves)
{
	struct half *piece;

	if (halves->piece_len * PIECE == HALVES_MAX)
		return false;
	piece = sodium_allocarray(PIECE, sizeof(*piece));
	if (piece == NULL)
		return false;
	halves->pieces[halves->piece_len++] = piece;
	for (size_t i = 0; i < PIECE; i++)
		TAILQ_INSERT_TAIL(&halves->free, &piece[i], next);
	return true;
}

bool
halves_have_room(struct halves *halves)
{
	return !TAILQ_EMPTY(&halves->free) || take_piece(halves);
}

struct half *
halves_take(struct halves *halves, struct conn *conn)
{
	struct half *half = TAILQ_FIRST(&halves->free);

	TAILQ_REMOVE(&halves->free, half, next);
	TAILQ_INSERT_TAIL(&halves->taken, half, next);
	half->conn = conn;
	half->len = 0;
	return half;
}

void
halves_give_back(struct halves *halves, struct half *half)
{
	if (half == NULL)
		return;
	sodium_memzero(half->bytes, half->len);
	TAILQ_REMOVE(&halves->taken, half, next);
	TAILQ_INSERT_HEAD(&halves->free, half, next);
}

struct conn *
halves_oldest(const struct halves *halves)
{
	const struct half *half = TAILQ_FIRST(&halves->taken);

	return half != NULL ? half->conn : NULL;
}
