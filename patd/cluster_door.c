#include "patd/cluster_door.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/config/acl.h"
#include "common/sys/log.h"

/* Once, until there is something else to say. */
static void
say(struct cluster_door *door, int priority, const struct jp_why *line)
{
	if (strcmp(door->said.text, line->text) == 0)
		return;
	door->said = *line;
	jp_log(priority, "cluster: %s", line->text);
}

void
cluster_door_init(
    struct cluster_door *door, const struct jp_settings *settings, uid_t uid)
{
	*door = (struct cluster_door){
		.own = geteuid(),
		.uid = uid,
		.listening.fd = -1,
	};
	(void)snprintf(door->path, sizeof(door->path), "%s/" CLUSTER_SOCKET,
	    settings->run_dir);
}

static enum jp_err
bind_at(const char *path, struct jp_listening *made, struct jp_why *why)
{
	const struct jp_unix_plan plan = {
		.path = path,
		.type = SOCK_SEQPACKET,
		.mode = 0666, /* we look who comes */
		.holder = "patd",
		.no_bind = "its directory must belong to the user of patd",
		.no_group = "",
	};

	return jp_listen_unix(&plan, made, why);
}

enum jp_err
cluster_door_open(struct cluster_door *door, struct jp_why *why)
{
	return bind_at(door->path, &door->listening, why);
}

void
cluster_door_close(struct cluster_door *door)
{
	jp_listening_close(&door->listening, door->path);
}

/* Where that fails the socket stays, whose file is gone at the next look. */
static void
bind_again(struct cluster_door *door, struct jp_why *why)
{
	struct jp_listening made;

	if (bind_at(door->path, &made, why) != JP_ERR_OK) {
		jp_listening_close(&made, door->path);
		return;
	}
	(void)close(door->listening.fd);
	door->listening = made;
	(void)jp_why(why, JP_ERR_OK, "%s was gone: bound again", door->path);
}

void
cluster_door_look(struct cluster_door *door)
{
	struct jp_why why = { .text = "" };

	switch (jp_listening_look(&door->listening, door->path)) {
	case JP_LISTENING_FINE:
		return;
	case JP_LISTENING_REPLACED:
		(void)jp_why(&why, JP_ERR_EXISTS,
		    "%s is another file now, which is left alone: "
		    "pat-clusterd does not reach patd until it is removed",
		    door->path);
		break;
	case JP_LISTENING_GONE:
		bind_again(door, &why);
		break;
	}
	say(door, LOG_ERR, &why);
}

int
cluster_door_accept(struct cluster_door *door, bool taken)
{
	int fd = accept4(
	    door->listening.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid = (uid_t)-1;
	struct jp_why line;

	if (fd < 0)
		return -1;
	if (!jp_peer_uid(fd, &uid) || (uid != door->uid && uid != door->own))
		(void)jp_why(&line, JP_ERR_PEER,
		    "uid %u connects to %s and is not [cluster] user: refused",
		    (unsigned)uid, door->path);
	else if (taken)
		(void)jp_why(&line, JP_ERR_PEER,
		    "a second pat-clusterd connects to %s: refused",
		    door->path);
	else
		return fd;
	say(door, LOG_WARNING, &line);
	(void)close(fd);
	return -1;
}
