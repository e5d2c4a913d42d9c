/*
 * pat-admin check: the cluster, if this host is one of one: what [cluster]
 * says, and what patd knows of the database and the other hosts.
 */
#include "tools/doctor/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/conninfo_files.h"
#include "config.h"
#include "tools/cli/cluster_report.h"
#include "tools/cli/session.h"

enum {
	LAG_MAX = 1000, /* changes: more are not the last few */
	MS_PER_S = 1000,
	/* Of pat-clusterd, in seconds: "THE DATABASE" in its manual page. */
	CONNECT_S = 5,
	PAUSE_S = 5,
	SILENCE_MIN_S = 3,
	SILENCE_PART = 3, /* of a lease */
};

/* ---- what the configuration says ---- */

static void
check_user(struct doctor *doctor)
{
	const char *user = doctor->settings->cluster.user;
	struct jp_account account;

	if (jp_account_find(user, &account) != JP_ERR_OK)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "there is no user %s: run adduser --system --group "
		    "--no-create-home %s",
		    user, user);
	else
		report_finding(
		    doctor, LEVEL_OK, "cluster", "pat-clusterd: user %s", user);
}

/* The value of a word of the conninfo; "" where it is missing. */
static const char *
word_of(
    const struct doctor *doctor, const char *key, struct jp_conninfo_word *word)
{
	if (!jp_conninfo_find(doctor->settings->cluster.conninfo, key, word))
		word->value[0] = '\0';
	return word->value;
}

/* As pat-clusterd has it: a name may stand for anything. */
static bool
is_local(const char *host)
{
	return host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "localhost") == 0;
}

/* The hosts of a list between commas: how many, and how many are elsewhere. */
static size_t
count_hosts(const char *list, size_t *remote)
{
	char host[JP_CONNINFO_MAX + 1];
	size_t count = 0;

	*remote = 0;
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");

		(void)snprintf(host, sizeof(host), "%.*s", (int)len, at);
		*remote += !is_local(host);
		count++;
		at += len;
		if (*at == '\0')
			return count;
	}
}

static void
check_tls(struct doctor *doctor, size_t remote)
{
	struct jp_conninfo_word word;
	const char *mode = word_of(doctor, "sslmode", &word);

	if (remote == 0 || strcmp(mode, "verify-full") == 0)
		return;
	report_finding(doctor,
	    doctor->settings->cluster.insecure ? LEVEL_WARN : LEVEL_BAD,
	    "cluster",
	    "conninfo has sslmode=%s: %s: say sslmode=verify-full, and "
	    "sslrootcert=FILE",
	    mode[0] != '\0' ? mode : "prefer",
	    doctor->settings->cluster.insecure
	        ? "who is on the way to the database can read the store"
	        : "pat-clusterd does not take that");
}

/*
 * From the loss of one of several servers until another one is asked, at worst:
 * it is silent, it is tried once more, and a pause. What the failover itself
 * takes, nobody here can know.
 */
static int64_t
search_s(const struct doctor *doctor)
{
	struct jp_conninfo_word word;
	const char *text = word_of(doctor, "connect_timeout", &word);
	int64_t silence = doctor->settings->cluster.lease / SILENCE_PART;
	long connect = text[0] != '\0' ? strtol(text, NULL, 10) : CONNECT_S;

	if (silence < SILENCE_MIN_S)
		silence = SILENCE_MIN_S;
	return silence + (connect > 0 ? connect : CONNECT_S) + PAUSE_S;
}

static void
check_length(struct doctor *doctor, size_t servers)
{
	const int64_t lease = doctor->settings->cluster.lease;
	const int64_t search = search_s(doctor);

	if (servers > 1 && lease < search)
		report_finding(doctor, LEVEL_WARN, "cluster",
		    "lease is %" PRId64 " s, and it may take %" PRId64
		    " s to find the next database server, beside what the "
		    "failover takes: this host accepts nothing meanwhile; set "
		    "a longer lease, or a shorter connect_timeout",
		    lease, search);
}

static void
check_hosts(struct doctor *doctor)
{
	struct jp_conninfo_word word;
	const char *list = word_of(doctor, "host", &word);
	size_t remote, remote_addr = 0, count;

	count = count_hosts(list, &remote);
	list = word_of(doctor, "hostaddr", &word);
	if (list[0] != '\0')
		count = count_hosts(list, &remote_addr);
	check_tls(doctor, remote + remote_addr);
	check_length(doctor, count);
	list = word_of(doctor, "target_session_attrs", &word);
	if (count > 1 && strcmp(list, "read-write") != 0 &&
	    strcmp(list, "primary") != 0)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "conninfo names %zu hosts, and not which of them takes "
		    "changes: add target_session_attrs=read-write",
		    count);
}

/* What pat-clusterd reads, for it: as its user, whom check_user() has found. */
static void
check_files(struct doctor *doctor)
{
	const struct jp_cluster_settings *cluster = &doctor->settings->cluster;
	struct jp_account account;
	struct jp_why why;

	if (jp_account_find(cluster->user, &account) != JP_ERR_OK)
		return;
	for (size_t i = 0; jp_conninfo_file_key(i) != NULL; i++) {
		enum jp_err err = jp_conninfo_file_check(
		    cluster->conninfo, i, &account, cluster->user, &why);

		if (err == JP_ERR_PERMISSION)
			report_hidden(doctor, LEVEL_WARN);
		else if (err != JP_ERR_OK)
			report_finding(
			    doctor, LEVEL_BAD, "cluster", "%s", why.text);
		else if (jp_conninfo_file_is_hidden(cluster->conninfo, i, &why))
			report_finding(
			    doctor, LEVEL_WARN, "cluster", "%s", why.text);
	}
}

void
doctor_cluster(struct doctor *doctor)
{
	if (!doctor->settings->cluster.configured)
		return;
	check_user(doctor);
	check_hosts(doctor);
	check_files(doctor);
}

/* ---- what patd knows ---- */

struct state {
	struct doctor *doctor;
	bool has_here, listed;
	struct jp_cluster_here here;
};

static void
check_database(struct doctor *doctor, const struct jp_cluster_here *here)
{
	if (here->link != JP_CLUSTER_CONNECTED) {
		report_finding(doctor, LEVEL_BAD, "cluster", "%s%s%s",
		    jp_cluster_link_text(here->link),
		    here->text[0] != '\0' ? ": " : "", here->text);
		return;
	}
	report_finding(doctor, LEVEL_OK, "cluster", "database %s%s",
	    here->database, here->tls ? ", TLS" : "");
	if (!here->primary)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "%s takes no changes: name the primary in conninfo, or "
		    "promote it",
		    here->database);
	if (!here->synchronous)
		report_finding(doctor, LEVEL_WARN, "cluster",
		    "%s has no synchronous standby: with its disk the last "
		    "changes are lost; set synchronous_standby_names",
		    here->database);
}

static void
check_lease(struct doctor *doctor, const struct jp_cluster_here *here)
{
	uint64_t lag =
	    here->head > here->applied ? here->head - here->applied : 0;

	if (here->lease_left_ms == 0)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "%s has no lease, so it accepts no token: see `pat-admin "
		    "cluster status`, and the log of pat-clusterd",
		    here->node);
	else
		report_finding(doctor, LEVEL_OK, "cluster",
		    "%s has a lease of %" PRIu64 " s", here->node,
		    here->lease_ms / MS_PER_S);
	if (lag > LAG_MAX)
		report_finding(doctor, LEVEL_WARN, "cluster",
		    "%s is %" PRIu64 " changes behind: is its disk slow?",
		    here->node, lag);
	if (here->refused > 0)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "the database had %" PRIu64 " batches that are not of "
		    "this cluster: somebody has changed it, or it was "
		    "restored: see the log of patd",
		    here->refused);
}

#define IF_GONE "if it is gone for good: `pat-admin cluster leave %s`"

/* The host itself comes first: patd says so. */
static void
take_host(struct state *state, const struct jp_cluster_node *node)
{
	if (strcmp(node->name, state->here.node) == 0) {
		state->listed = true;
		return;
	}
	if (state->here.link != JP_CLUSTER_CONNECTED)
		return; /* it hears nothing of anybody */
	if (cluster_report_silent_days(node) > 0)
		report_finding(state->doctor, LEVEL_WARN, "cluster",
		    "%s has said nothing for %" PRIu64
		    " days, and the database keeps %" PRIu64
		    " changes for it: " IF_GONE,
		    node->name, cluster_report_silent_days(node),
		    state->here.head > node->applied
		        ? state->here.head - node->applied
		        : 0,
		    node->name);
	else if (node->cut_off && node->lease_ms == 0)
		report_finding(state->doctor, LEVEL_WARN, "cluster",
		    "%s was stopped, or never started: it accepts nothing "
		    "until it is back; " IF_GONE,
		    node->name, node->name);
	else if (node->cut_off)
		report_finding(state->doctor, LEVEL_WARN, "cluster",
		    "nothing is heard of %s, which accepts nothing until it "
		    "is back; " IF_GONE,
		    node->name, node->name);
	else if (strcmp(node->version, PACKAGE_VERSION) != 0)
		report_finding(state->doctor, LEVEL_WARN, "cluster",
		    "%s has version %s, and this host " PACKAGE_VERSION
		    ": finish the upgrade",
		    node->name, node->version);
}

static enum jp_err
take_state(void *arg, const struct jp_admin_item *item)
{
	struct state *state = arg;

	if (item->kind == JP_ITEM_HOST && state->has_here) {
		take_host(state, &item->host);
		return JP_ERR_OK;
	}
	if (item->kind != JP_ITEM_CLUSTER)
		return JP_ERR_PROTOCOL;
	state->has_here = true;
	state->here = item->here;
	if (item->here.link == JP_CLUSTER_OFFLINE)
		return JP_ERR_OK; /* and check_patd() said so */
	check_database(state->doctor, &item->here);
	check_lease(state->doctor, &item->here);
	return JP_ERR_OK;
}

/* Both say so, or none. */
static void
report_state(struct doctor *doctor, const struct state *state, enum jp_err err,
    const struct jp_why *why)
{
	bool configured = doctor->settings->cluster.configured;

	if (err == JP_ERR_NOT_FOUND && configured)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "[cluster] is there, and the store is in no cluster: run "
		    "`pat-admin cluster init` or `join`");
	else if (err == JP_ERR_OK && !configured)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "the store is one of a cluster, and there is no [cluster], "
		    "so patd does not start: write it, or `pat-admin cluster "
		    "leave --without-database`");
	else if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		report_finding(doctor, LEVEL_BAD, "cluster", "%s", why->text);
	else if (err == JP_ERR_OK && state->here.link == JP_CLUSTER_CONNECTED &&
	         !state->listed)
		report_finding(doctor, LEVEL_BAD, "cluster",
		    "the database has no host %s: it was removed; run "
		    "`pat-admin cluster leave --without-database`, then "
		    "`join`",
		    state->here.node);
}

void
doctor_cluster_state(struct doctor *doctor)
{
	static const struct jp_admin_request request = { .op =
		                                             JP_ADMIN_CLUSTER };
	struct state state = { .doctor = doctor };
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err;

	if (!doctor->patd && (doctor->no_store || doctor->patd_hidden))
		return; /* that is said elsewhere, and is the matter */
	err = session_open(&session, doctor->context, &why);
	if (err == JP_ERR_OK) {
		err = session_run(&session, &request, take_state, &state, &why);
		session_close(&session);
	}
	report_state(doctor, &state, err, &why);
}
