/*
 * common/wire/: texts and messages of protocols, and the client.
 *
 * The client side of the verify protocol, for the modules inside other
 * programs: libc only, no state, no signals, never blocks past its deadline.
 */
#ifndef JP_CLIENT_H
#define JP_CLIENT_H

#include "common/base/clock.h"
#include "common/wire/verify.h"

#define JP_CLIENT_TIMEOUT_MS 3000

struct jp_client {
	const char *socket_path;   /* of verify.sock */
	int timeout_ms;            /* for the whole request, > 0 */
	const char *one_shot_path; /* patd to spawn; NULL: never */
	const char *config_path;   /* for the spawned patd; NULL: its default */
};

/*
 * Sends `request` and receives the reply, in at most `timeout_ms` milliseconds.
 * Before the token is sent, the listener must be root or the owner of the
 * socket's directory, which must not be world-writable. If nobody listens and
 * this process is root, `one_shot_path --one-shot` is spawned and asked over a
 * socket pair.
 *
 * On any error `reply` says JP_UNAVAILABLE: JP_ERR_UNREACHABLE (nobody
 * listens), JP_ERR_PERMISSION, JP_ERR_PEER (listener not trusted: nothing was
 * sent), JP_ERR_TIMEOUT, JP_ERR_PROTOCOL (the reply is malformed),
 * JP_ERR_TOO_LONG, JP_ERR_NOMEM or JP_ERR_IO.
 */
enum jp_err jp_client_ask(const struct jp_client *client,
    struct jp_request *request, struct jp_reply *reply);

/*
 * Connects to the SOCK_SEQPACKET listener at `path` and checks who listens, as
 * above, until `deadline_ms` of jp_now_ms(). On success the caller owns the
 * close-on-exec, non-blocking `fd`.
 */
enum jp_err jp_client_connect(const char *path, int64_t deadline_ms, int *fd);

#endif
