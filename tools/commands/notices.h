/*
 * What `pat-admin notify` notifies of, and how far it came: marks in a file
 * beside the store. A mark is written before the command runs, so that nobody
 * is notified twice.
 */
#ifndef PAT_ADMIN_NOTICES_H
#define PAT_ADMIN_NOTICES_H

#include "common/record/policy.h"
#include "tools/cli/command.h"

/*
 * X(CODE, name): what happened to a token. The name is for the command and in
 * JSON.
 */
#define NOTICE_LIST(X)                                                         \
	X(EXPIRING, "expiring")                                                \
	X(NEW_ADDRESS, "new-address")

enum notice_event {
#define NOTICE_ENUM(code, name) NOTICE_##code,
	NOTICE_LIST(NOTICE_ENUM)
#undef NOTICE_ENUM
};

const char *notice_name(enum notice_event event);

/* One token that is to be told of, perhaps for several of the marks. */
struct notice {
	enum notice_event event;
	int64_t at; /* its end, or when the address was new */
	char id[JP_TOKEN_ID_LEN + 1];
	char address[JP_RHOST_MAX + 1]; /* that is new; "" */
	char service[JP_SERVICE_MAX + 1];
	char user[JP_USER_MAX + 1];
	char owner_group[JP_GROUP_MAX + 1];
	char name[JP_NAME_MAX + 1];
	int64_t expires_at;
};

/* By time, then id, then address. */
int notice_compare(const void *a, const void *b);

/* The last notice, in that order, that is behind us. */
struct mark {
	enum notice_event event;
	int64_t threshold; /* EXPIRING: seconds before the end */
	int64_t at;
	char id[JP_TOKEN_ID_LEN + 1];
	char address[JP_RHOST_MAX + 1];
};

#define MARKS_TEXT_MAX 1024 /* bytes of the file, with a NUL */

struct marks {
	char path[JP_PATH_MAX + 16];
	int fd;     /* -1: there is none yet, and none is made */
	size_t len; /* one for each threshold, and that of addresses, last */
	struct mark of[JP_NOTIFY_MAX + 1];
};

/*
 * Opens the file, with its lock, and reads it; `dry` makes none. What has no
 * mark yet begins at `now`, or for addresses at `settled`: nobody is notified
 * of what lies behind. The caller closes it with marks_close(), after an error,
 * too.
 */
enum jp_err marks_open(struct marks *marks, const struct context *context,
    int64_t now, int64_t settled, bool dry, struct jp_why *why);
enum jp_err marks_save(const struct marks *marks, struct jp_why *why);
void marks_close(struct marks *marks);

/* What the file says, a text that is changed, and what it is to say. */
void marks_read(struct marks *marks, char *text, int64_t now);
size_t marks_print(const struct marks *marks, char text[MARKS_TEXT_MAX]);

/* Marks of which none was read. */
void marks_start(struct marks *marks, const struct jp_policy *policy,
    int64_t now, int64_t settled);

/* Whether the notice is still to come. */
bool mark_is_before(const struct mark *mark, const struct notice *notice);

/* Moves it there, or behind all up to `until`. */
void mark_pass(struct mark *mark, const struct notice *notice);
void mark_pass_until(struct mark *mark, int64_t until);

#endif
