/*
 * The upstream credentials of the core: their key, and how one is opened. Its
 * secret is read when an accepted question is answered, and at no other time.
 */
#ifndef JP_DECIDE_UPSTREAM_H
#define JP_DECIDE_UPSTREAM_H

#include <pthread.h>

#include "common/record/decision.h"
#include "common/record/upstream_seal.h"

struct jp_core;

/* Added to the key file's path: the next key, until all are sealed with it. */
#define JP_UPSTREAM_NEXT ".new"

/* The keys of a core, of which one may be missing, and mostly both are. */
struct jp_upstream_keys {
	pthread_rwlock_t lock;
	char path[JP_PATH_MAX + 1]; /* "": there is no key */
	bool has_key, has_next;
	struct jp_upstream_key key, next;
	bool told; /* that one cannot be opened: once for each load */
};

/*
 * X(CODE, number, name, text): what becomes of a stored credential. The number
 * crosses admin.sock: append only.
 */
#define JP_UPSTREAM_STATE_LIST(X)                                              \
	X(READY, 0, "ready", "")                                               \
	X(NO_KEY, 1, "no-key", "there is no key")                              \
	X(OTHER_KEY, 2, "other-key", "it was sealed with another key")         \
	X(DAMAGED, 3, "damaged", "it is damaged")

enum jp_upstream_state {
#define JP_UPSTREAM_STATE_ENUM(code, number, name, text)                       \
	JP_UPSTREAM_##code = (number),
	JP_UPSTREAM_STATE_LIST(JP_UPSTREAM_STATE_ENUM)
#undef JP_UPSTREAM_STATE_ENUM
};

enum {
#define JP_UPSTREAM_STATE_ONE(...) +1
	JP_UPSTREAM_STATE_COUNT =
	    0 JP_UPSTREAM_STATE_LIST(JP_UPSTREAM_STATE_ONE)
#undef JP_UPSTREAM_STATE_ONE
};

const char *jp_upstream_state_name(enum jp_upstream_state state);
const char *jp_upstream_state_text(enum jp_upstream_state state);

void jp_upstream_keys_init(struct jp_upstream_keys *keys);
void jp_upstream_keys_free(struct jp_upstream_keys *keys);

/*
 * Reads the files of the keys at `path` anew; NULL: at the path of before.
 * JP_ERR_MISSING, JP_ERR_PERMISSION, JP_ERR_CONFIG: there is none now.
 */
enum jp_err jp_upstream_keys_load(
    struct jp_upstream_keys *keys, const char *path, struct jp_why *why);

/* Seals with the next key if there is one, else with the key. */
enum jp_err
jp_upstream_keys_seal(struct jp_upstream_keys *keys, const char *user,
    const struct jp_secret *header, struct jp_upstream *upstream);

/* Opens with the one that it names; another state leaves `header` empty. */
enum jp_upstream_state
jp_upstream_keys_open(struct jp_upstream_keys *keys, const char *user,
    const struct jp_upstream *upstream, struct jp_secret *header);

/*
 * What the server behind `service` is to be shown for `user`, who was accepted
 * there just now; an empty `header` if the service does not ask for it, or
 * nothing is stored, or it cannot be opened, which is logged. For the first of
 * these the store is not read. JP_ERR_BUSY, without `wait`: a commit is under
 * way; JP_ERR_MISSING: it is required, and there is none to show; other errors
 * are the store's.
 */
enum jp_err jp_upstream_reveal(struct jp_core *core, const char *user,
    const char *service, bool wait, struct jp_secret *header);

/*
 * The same for the answer to `request`: an acceptance without what it needs is
 * none. Without `wait` it may become JP_NEED_COMMIT.
 */
void
jp_upstream_complete(struct jp_core *core, const struct jp_request *request,
    bool wait, struct jp_decision *decision, struct jp_secret *header);

#endif
