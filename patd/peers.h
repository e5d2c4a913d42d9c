/*
 * Who may ask: rules over what the kernel says of the process at the other
 * end. No name service is asked here once the rules are made, so that a slow
 * one delays nobody.
 */
#ifndef PATD_PEERS_H
#define PATD_PEERS_H

#include <sys/types.h>

#include "common/config/settings.h"

struct peers {
	uid_t self;
	bool only_listed; /* else all system accounts may ask */
	size_t uid_len, gid_len;
	uid_t uids[JP_LIST_MAX];
	gid_t gids[JP_LIST_MAX];
	bool has_admin_group;
	gid_t admin_group;
};

/*
 * Makes the rules of `settings`: JP_ERR_CONFIG if they name an account that
 * does not exist. `self` is set by peers_self().
 */
enum jp_err peers_make(struct peers *peers, const struct jp_settings *settings,
    struct jp_why *why);

/* The user of this process may always ask, too: call it once that is final. */
void peers_self(struct peers *peers);

/* The user at the other end of `fd`; false if the kernel does not tell. */
bool peers_uid(int fd, uid_t *uid);

bool peers_may_verify(const struct peers *peers, int fd, uid_t uid);
bool peers_may_administer(const struct peers *peers, int fd, uid_t uid);

#endif
