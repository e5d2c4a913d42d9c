/*
 * Tokens that a command names: as words, in a file, or all of one user. Every
 * id is read and checked before the first of them is touched; ids are public,
 * the texts that they were read from are wiped.
 */
#ifndef PAT_ADMIN_TOKEN_IDS_H
#define PAT_ADMIN_TOKEN_IDS_H

#include "tools/cli/command.h"
#include "tools/cli/session.h"

struct token_ids {
	const char *file; /* one of them a line; NULL: none, "-": stdin */
	size_t len, cap;
	char (*ids)[JP_TOKEN_ID_LEN + 1];
};

/* Takes the next word: an id, or the text of a token, which is wiped. */
enum jp_err
token_ids_take(struct token_ids *tokens, char *value, struct jp_why *why);

/* Adds those of the file; empty lines and lines with # in front say nothing. */
enum jp_err token_ids_read(struct token_ids *tokens, struct jp_why *why);

/* Adds one that is known to be an id. */
enum jp_err token_ids_add(struct token_ids *tokens, const char *id);

/*
 * Runs `request` for each, as its record.id. An error is printed and the others
 * follow, but for one that they would meet alike. The worst status of all.
 */
enum status token_ids_each(const struct token_ids *tokens,
    struct context *context, struct session *session,
    struct jp_admin_request *request, jp_admin_emit emit, void *arg);

void token_ids_free(struct token_ids *tokens);

#endif
