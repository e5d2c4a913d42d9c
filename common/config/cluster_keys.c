/* The keys of [cluster], and what they mean together. */
#include "common/config/cluster_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/config/keys.h"
#include "common/config/readers.h"

#define NAME_BYTES                                                             \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

bool
jp_node_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= JP_NODE_MAX && name[0] != '.' &&
	       strspn(name, NAME_BYTES) == len;
}

/* Whoever may read the settings, or the arguments of a process, would know. */
static bool
is_secret(const char *key)
{
	return strcmp(key, "password") == 0 || strcmp(key, "sslpassword") == 0;
}

/* More words of the connection string: a line of the file is not long. */
static enum jp_err
read_conninfo(void *at, const char *text, int64_t min, int64_t max)
{
	char *conninfo = at;
	size_t used = strlen(conninfo);
	const char *rest = text;
	struct jp_conninfo_word word;
	enum jp_err err;

	if (text[0] == '\0' || used + (used > 0) + strlen(text) > (size_t)max)
		return JP_ERR_INVALID;
	do {
		err = jp_conninfo_next(&rest, &word);
		if (err == JP_ERR_OK && is_secret(word.key))
			err = JP_ERR_INVALID;
	} while (err == JP_ERR_OK && word.key[0] != '\0');
	explicit_bzero(&word, sizeof(word));
	if (err == JP_ERR_OK)
		(void)snprintf(conninfo + used, (size_t)max + 1 - used, "%s%s",
		    used > 0 ? " " : "", text);
	(void)min;
	return err;
}

static enum jp_err
read_node(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	return jp_node_name_valid(text)
	           ? jp_field_set(at, (size_t)max + 1, text)
	           : JP_ERR_INVALID;
}

static enum jp_err
read_lease(void *at, const char *text, int64_t min, int64_t max)
{
	enum jp_err err = jp_read_lifetime(at, text, min, max);
	int64_t seconds = *(int64_t *)at;

	if (err == JP_ERR_OK && (seconds < min || seconds > max))
		return JP_ERR_INVALID;
	return err;
}

#define AT(member) offsetof(struct jp_settings, cluster.member)

static const struct jp_key keys[] = {
	{ "cluster", "conninfo", AT(conninfo), read_conninfo, 1,
	    JP_CONNINFO_MAX,
	    "words key=value of libpq, no URI, of at most 1023 bytes in all, "
	    "and no password: put it into a file that passfile= names, or use "
	    "a certificate",
	    true },
	{ "cluster", "node", AT(node), read_node, 1, JP_NODE_MAX,
	    "1 to 63 letters, digits, \".\", \"_\" and \"-\"", false },
	{ "cluster", "lease", AT(lease), read_lease, JP_LEASE_MIN, JP_LEASE_MAX,
	    "a duration from 5s to 5m", false },
	{ "cluster", "user", AT(user), jp_read_account, 1, JP_ACCOUNT_MAX,
	    JP_AN_ACCOUNT, false },
	{ "cluster", "insecure", AT(insecure), jp_read_yes_no, 0, 0,
	    "yes or no", false },
};

const struct jp_key_table jp_cluster_keys = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};

static enum jp_err
name_by_machine(
    struct jp_cluster_settings *cluster, const char *file, struct jp_why *why)
{
	char name[JP_NODE_MAX + 2] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 ||
	    !jp_node_name_valid(name))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [cluster] node: the name of this machine cannot be "
		    "that of a host: name one, of 1 to 63 letters, digits, "
		    "\".\", \"_\" and \"-\"",
		    file);
	return jp_field_set(cluster->node, sizeof(cluster->node), name);
}

enum jp_err
jp_cluster_settings_fill(
    struct jp_cluster_settings *cluster, const char *file, struct jp_why *why)
{
	if (!cluster->configured)
		return JP_ERR_OK;
	if (cluster->conninfo[0] == '\0')
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [cluster] conninfo is missing: where is the database?",
		    file);
	return cluster->node[0] == '\0' ? name_by_machine(cluster, file, why)
	                                : JP_ERR_OK;
}
