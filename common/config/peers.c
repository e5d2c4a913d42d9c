#include "common/config/peers.h"

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
find_all(struct jp_peers *peers, const struct jp_accounts *users,
    const struct jp_accounts *groups, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	peers->only_listed = users->len + groups->len > 0;
	peers->uid_len = users->len;
	peers->gid_len = groups->len;
	for (size_t i = 0; err == JP_ERR_OK && i < users->len; i++)
		err = find_user(users->names[i], &peers->uids[i], why);
	for (size_t i = 0; err == JP_ERR_OK && i < groups->len; i++)
		err = find_group(
		    "allow_groups", groups->names[i], &peers->gids[i], why);
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
jp_peers_make(struct jp_peers *peers, const char *section,
    const struct jp_accounts *users, const struct jp_accounts *groups,
    struct jp_why *why)
{
	memset(peers, 0, sizeof(*peers));
	return in_section(section, find_all(peers, users, groups, why), why);
}

enum jp_err
jp_peers_administer(
    struct jp_peers *peers, const char *admin_group, struct jp_why *why)
{
	peers->has_admin_group = admin_group[0] != '\0';
	if (!peers->has_admin_group)
		return JP_ERR_OK;
	return in_section("patd",
	    find_group("admin_group", admin_group, &peers->admin_group, why),
	    why);
}

void
jp_peers_add_httpd(struct jp_peers *peers, const char *user)
{
	struct jp_account account;

	peers->has_httpd = jp_account_find(user, &account) == JP_ERR_OK;
	peers->httpd = peers->has_httpd ? account.uid : 0;
}

void
jp_peers_self(struct jp_peers *peers)
{
	peers->self = geteuid();
}

bool
jp_peers_uid(int fd, uid_t *uid)
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
is_ours(const struct jp_peers *peers, uid_t uid)
{
	return uid == 0 || uid == peers->self ||
	       (peers->has_httpd && uid == peers->httpd);
}

bool
jp_peers_may_have_upstream(const struct jp_peers *peers, uid_t uid)
{
	return is_ours(peers, uid);
}

bool
jp_peers_may_ask_self(const struct jp_peers *peers, uid_t uid)
{
	return is_ours(peers, uid);
}

bool
jp_peers_may_verify(const struct jp_peers *peers, int fd, uid_t uid)
{
	if (is_ours(peers, uid))
		return true;
	if (!peers->only_listed)
		return uid < FIRST_PERSON;
	for (size_t i = 0; i < peers->uid_len; i++)
		if (peers->uids[i] == uid)
			return true;
	return in_groups(fd, peers->gids, peers->gid_len);
}

enum jp_peer
jp_peers_who(const struct jp_peers *peers, int fd, uid_t uid)
{
	if (uid == 0 || uid == peers->self)
		return JP_PEER_ROOT;
	if (peers->has_httpd && uid == peers->httpd)
		return JP_PEER_HTTPD;
	return in_groups(fd, &peers->admin_group, peers->has_admin_group)
	           ? JP_PEER_MEMBER
	           : JP_PEER_LOCAL;
}

bool
jp_peers_may_administer(const struct jp_peers *peers, int fd, uid_t uid)
{
	enum jp_peer peer = jp_peers_who(peers, fd, uid);

	return peer == JP_PEER_ROOT || peer == JP_PEER_MEMBER;
}
