/*
 * Access control lists, who may ask: rules over what the kernel says of the
 * process at the other end. No name service is asked here once the rules are
 * made, so that a slow one delays nobody.
 */
#ifndef JP_ACL_H
#define JP_ACL_H

#include <sys/types.h>

#include "common/config/settings.h"

/* Who is at the other end of admin.sock: the first that fits, from below. */
enum jp_peer {
	JP_PEER_LOCAL,  /* some local user */
	JP_PEER_MEMBER, /* of [patd] admin_group */
	JP_PEER_HTTPD,  /* the account of pat-httpd, also if it is a member */
	JP_PEER_ROOT,   /* or the user of this process */
	JP_PEER_COUNT,
};

struct jp_acl {
	uid_t self;
	bool only_listed; /* else all system accounts may ask */
	size_t uid_len, gid_len;
	uid_t uids[JP_LIST_MAX];
	gid_t gids[JP_LIST_MAX];
	bool has_admin_group;
	gid_t admin_group;
	bool has_httpd; /* there is such an account, */
	uid_t httpd;    /* that of pat-httpd */
};

/*
 * Makes the rules of allow_users and allow_groups in `section`: JP_ERR_CONFIG
 * if they name an account that does not exist. `self` is set by
 * jp_acl_self(), and nobody but root administers.
 */
enum jp_err jp_acl_make(struct jp_acl *acl, const char *section,
    const struct jp_accounts *users, const struct jp_accounts *groups,
    struct jp_why *why);

/* Lets the members of [patd] admin_group administer, too; "": there is none. */
enum jp_err jp_acl_administer(
    struct jp_acl *acl, const char *admin_group, struct jp_why *why);

/*
 * The account of pat-httpd, if it exists, may ask, too, and it alone, beside
 * root and ourselves, may have what users stored for the servers behind it.
 */
void jp_acl_add_httpd(struct jp_acl *acl, const char *user);

/* The user of this process may always ask, too: call it once that is final. */
void jp_acl_self(struct jp_acl *acl);

/* The user at the other end of `fd`; false if the kernel does not tell. */
bool jp_peer_uid(int fd, uid_t *uid);

bool jp_acl_may_verify(const struct jp_acl *acl, int fd, uid_t uid);
enum jp_peer jp_acl_who(const struct jp_acl *acl, int fd, uid_t uid);

/* Whether that is JP_PEER_ROOT or JP_PEER_MEMBER. */
bool jp_acl_may_administer(const struct jp_acl *acl, int fd, uid_t uid);

/*
 * root, the user of this process and pat-httpd: whether an answer to `uid` may
 * carry an upstream credential, and whether its JP_ACCESS_SELF counts as that.
 */
bool jp_acl_may_have_upstream(const struct jp_acl *acl, uid_t uid);
bool jp_acl_may_ask_self(const struct jp_acl *acl, uid_t uid);

#endif
