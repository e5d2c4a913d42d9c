/* What is logged of a cluster: once, until there is something else to say. */
#include "patd/cluster_internal.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "common/sys/log.h"

void
cluster_say(struct jp_why *said, int priority, const struct jp_why *line)
{
	if (strcmp(said->text, line->text) == 0)
		return;
	*said = *line;
	jp_log(priority, "cluster: %s", line->text);
}

/* More than that a connection was made, or is being made. */
static bool
has_news(const struct jp_link_state_msg *state)
{
	return state->state != JP_LINK_CONNECTED && state->text[0] != '\0';
}

void
cluster_say_state(
    struct cluster *cluster, const struct jp_link_state_msg *state)
{
	int priority = LOG_INFO;
	struct jp_why line;

	switch (state->state) {
	case JP_LINK_CONNECTED:
		(void)jp_why(&line, JP_ERR_OK,
		    "connected to %s (%s, %s standby is waited for)",
		    state->database,
		    state->verified ? "verified"
		                    : (state->tls ? "TLS" : "not protected"),
		    state->synchronous ? "a" : "no");
		break;
	case JP_LINK_REFUSED:
		priority = LOG_ERR;
		(void)jp_why(&line, JP_ERR_OK,
		    "the database cannot be used: %s", state->text);
		break;
	case JP_LINK_CONNECTING:
	case JP_LINK_STATES:
		priority = LOG_WARNING;
		(void)jp_why(&line, JP_ERR_OK,
		    "no connection to the database%s%s",
		    state->text[0] != '\0' ? ": " : "", state->text);
		break;
	}
	if (cluster->backoff_ms == 0 || has_news(state))
		cluster_say(&cluster->said_state, priority, &line);
}

/* What is missing for another lease. */
static void
say_lapse(struct cluster *cluster)
{
	struct jp_replica_status status;

	jp_replica_status(cluster->replica, &status);
	if (status.refused_why[0] != '\0')
		jp_log(LOG_ERR,
		    "cluster: the lease is over: this host accepts nothing "
		    "until it can take what is in the log: it has %" PRIu64
		    " batches",
		    status.position.seq);
	else if (status.welcome && status.nodes.head > status.position.seq)
		jp_log(LOG_ERR,
		    "cluster: the lease is over: this host accepts nothing "
		    "until it has what others have changed: it has %" PRIu64
		    " of %" PRIu64 " batches",
		    status.position.seq, status.nodes.head);
	else
		jp_log(LOG_ERR, "cluster: the lease is over: this host accepts "
		                "nothing until it reaches the database");
}

void
cluster_watch_lease(struct cluster *cluster)
{
	bool holds = jp_replica_holds(cluster->replica);

	if (holds == cluster->held)
		return;
	cluster->held = holds;
	if (holds)
		jp_log(LOG_INFO, "cluster: this host accepts tokens%s",
		    cluster->held_ever ? " again" : "");
	else
		say_lapse(cluster);
	cluster->held_ever = true;
}

void
cluster_say_linked(struct cluster *cluster)
{
	struct jp_why line;

	(void)jp_why(&line, JP_ERR_OK, "pat-clusterd is connected");
	cluster_say(&cluster->said_link, LOG_INFO, &line);
}

void
cluster_say_taken(
    struct cluster *cluster, const struct jp_replica_status *status)
{
	struct jp_why line;

	(void)jp_why(&line, JP_ERR_OK,
	    "this host takes the log again: it has %" PRIu64 " batches",
	    status->position.seq);
	cluster_say(&cluster->said_link, LOG_INFO, &line);
	cluster_say_state(cluster, &status->state);
}
