#include "common/config/acl.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/account.h"

enum {
	FIRST_PERSON = 1000, /* uids below are system accounts */
	GROUPS_MAX = 256,    /* of a peer that are looked at */
};

static enum jp_err
find_group(const char *key, const char *name, gid_t *gid, struct jp_why *why)
{
	if (jp_account_find_group(name, gid) == JP_ERR_OK)
		return JP_ERR_OK;
	return jp_why(
	    why, JP_ERR_CONFIG, "%s: there is no group \"%s\"", key, name);
}

static enum jp_err
find_user(const char *name, uid_t *uid, struct jp_why *why)
{
	struct jp_account account;

	if (jp_account_find(name, &account) != JP_ERR_OK)
		return jp_why(why, JP_ERR_CONFIG,
		    "allow_users: there is no user \"%s\"", name);
	*uid = account.uid;
	return JP_ERR_OK;
}

static enum jp_err
find_all(struct jp_acl *acl, const struct jp_accounts *users,
    const struct jp_accounts *groups, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	acl->only_listed = users->len + groups->len > 0;
	acl->uid_len = users->len;
	acl->gid_len = groups->len;
	for (size_t i = 0; err == JP_ERR_OK && i < users->len; i++)
		err = find_user(users->names[i], &acl->uids[i], why);
	for (size_t i = 0; err == JP_ERR_OK && i < groups->len; i++)
		err = find_group(
		    "allow_groups", groups->names[i], &acl->gids[i], why);
	return err;
}

/* The section comes in front of what is wrong with it. */
static enum jp_err
in_section(const char *section, enum jp_err err, struct jp_why *why)
{
	struct jp_why cause = *why;

	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, err, "[%s] %s", section, cause.text);
}

enum jp_err
jp_acl_make(struct jp_acl *acl, const char *section,
    const struct jp_accounts *users, const struct jp_accounts *groups,
    struct jp_why *why)
{
	memset(acl, 0, sizeof(*acl));
	return in_section(section, find_all(acl, users, groups, why), why);
}

enum jp_err
jp_acl_administer(
    struct jp_acl *acl, const char *admin_group, struct jp_why *why)
{
	acl->has_admin_group = admin_group[0] != '\0';
	if (!acl->has_admin_group)
		return JP_ERR_OK;
	return in_section("patd",
	    find_group("admin_group", admin_group, &acl->admin_group, why),
	    why);
}

void
jp_acl_add_httpd(struct jp_acl *acl, const char *user)
{
	struct jp_account account;

	acl->has_httpd = jp_account_find(user, &account) == JP_ERR_OK;
	acl->httpd = acl->has_httpd ? account.uid : 0;
}

void
jp_acl_self(struct jp_acl *acl)
{
	acl->self = geteuid();
}

bool
jp_peer_uid(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	*uid = peer.uid;
	return true;
}

static bool
contains(const gid_t *gids, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

/*
 * Whether the peer is in one of `gids`: its groups as the kernel knows them,
 * those that also count where it opens a file.
 */
static bool
in_groups(int fd, const gid_t *gids, size_t count)
{
	struct ucred peer;
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(peer);

	if (count == 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (contains(gids, count, peer.gid))
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (contains(gids, count, groups[i]))
			return true;
	return false;
}

/* root, ourselves, pat-httpd: those who serve users of any name. */
static bool
is_ours(const struct jp_acl *acl, uid_t uid)
{
	return uid == 0 || uid == acl->self ||
	       (acl->has_httpd && uid == acl->httpd);
}

bool
jp_acl_may_have_upstream(const struct jp_acl *acl, uid_t uid)
{
	return is_ours(acl, uid);
}

bool
jp_acl_may_ask_self(const struct jp_acl *acl, uid_t uid)
{
	return is_ours(acl, uid);
}

bool
jp_acl_may_verify(const struct jp_acl *acl, int fd, uid_t uid)
{
	if (is_ours(acl, uid))
		return true;
	if (!acl->only_listed)
		return uid < FIRST_PERSON;
	for (size_t i = 0; i < acl->uid_len; i++)
		if (acl->uids[i] == uid)
			return true;
	return in_groups(fd, acl->gids, acl->gid_len);
}

enum jp_peer
jp_acl_who(const struct jp_acl *acl, int fd, uid_t uid)
{
	if (uid == 0 || uid == acl->self)
		return JP_PEER_ROOT;
	if (acl->has_httpd && uid == acl->httpd)
		return JP_PEER_HTTPD;
	return in_groups(fd, &acl->admin_group, acl->has_admin_group)
	           ? JP_PEER_MEMBER
	           : JP_PEER_LOCAL;
}

bool
jp_acl_may_administer(const struct jp_acl *acl, int fd, uid_t uid)
{
	enum jp_peer peer = jp_acl_who(acl, fd, uid);

	return peer == JP_PEER_ROOT || peer == JP_PEER_MEMBER;
}
