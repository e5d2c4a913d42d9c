/*
 * A new token on its way to whoever asked for it, or the link by which its user
 * fetches it: the text leaves this process once, on standard output; a token
 * whose text nobody got is revoked again.
 */
#ifndef PAT_ADMIN_HANDOUT_H
#define PAT_ADMIN_HANDOUT_H

#include "tools/cli/session.h"

struct handout {
	bool bearer_wanted; /* a second line: base64 of user:token */
	bool done;          /* the token is here */
	bool rotated;       /* `old` is the one that it succeeds */
	bool is_link;       /* `token` is a link: it waits to be fetched */
	struct jp_record record, old;
	struct jp_secret token;
	struct jp_secret bearer;
};

/*
 * Runs `request`, which makes one token, and hands that over; wipes it in any
 * case. What went wrong has been printed.
 */
enum status handout_run(struct context *context,
    const struct jp_admin_request *request, struct handout *handout);

/*
 * Makes the link of the code of one: below [self_service] url, which is set.
 * The code and the link may be the same.
 */
enum jp_err handout_link(const struct context *context,
    const struct jp_secret *code, struct jp_secret *link);

/* Revokes a token that nobody got, as the record then says. */
enum jp_err
handout_revoke(struct session *session, const char *id, struct jp_why *why);

#endif
