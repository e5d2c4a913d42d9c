/*
 * Argon2id by libsodium alone, in a loop: the floor of a verification whose
 * token is not known yet.
 *
 *     pwhash_bench MEMORY_KIB PASSES WARM COUNT
 *
 * Standard input: a token, then an empty line; see turn.h.
 */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/argon2.h"
#include "tests/bench/turn.h"

static struct jp_cost cost;
static char *token;

static enum turn_result
hash(void *state, int64_t number, int kind)
{
	uint8_t salt[JP_PHC_SALT_LEN] = { 0 }, tag[JP_PHC_TAG_LEN];

	(void)state;
	(void)kind;
	memcpy(salt, &number, sizeof(number));
	return crypto_pwhash(tag, sizeof(tag), token, strlen(token), salt,
	           cost.passes, (size_t)cost.memory * 1024,
	           crypto_pwhash_ALG_ARGON2ID13) == 0
	           ? TURN_ACCEPTED
	           : TURN_FAILED;
}

int
main(int argc, char **argv)
{
	struct turn turn = {
		.kinds = { "all" }, .threads = 1, .operate = hash
	};
	int status;

	if (argc != 5) {
		(void)fputs(
		    "Usage: pwhash_bench MEMORY_KIB PASSES WARM COUNT\n",
		    stderr);
		return 2;
	}
	cost.memory = (uint32_t)turn_number(argv[1], JP_ARGON2_MEMORY_MAX);
	cost.passes = (uint32_t)turn_number(argv[2], JP_ARGON2_PASSES_MAX);
	turn.warm = turn_number(argv[3], INT32_MAX);
	turn.count = turn_number(argv[4], INT32_MAX);
	token = turn_line();
	free(turn_line());
	if (token == NULL || sodium_init() < 0)
		return 2;
	status = turn_run(&turn);
	free(token);
	return status;
}
