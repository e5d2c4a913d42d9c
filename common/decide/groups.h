/*
 * Groups of users as the system's name service knows them (getgrouplist(3),
 * group(5)), for [patd] group_source = nss. It may be slow or fail, so a
 * decision never asks it: it looks at what was learned before, and where
 * nothing was, a worker asks and the decision is made again.
 *
 * What is remembered is whether a user is in one of the groups that a service
 * names, for JP_GROUPS_LIFETIME, in a table of fixed size.
 */
#ifndef JP_GROUPS_H
#define JP_GROUPS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/sys/time_text.h"

#define JP_GROUPS_LIFETIME 60 /* seconds */
#define JP_GROUPS_ENTRIES 512
#define JP_GROUPS_KEY_LEN 16

struct jp_groups {
	pthread_mutex_t mutex;
	struct jp_clock clock; /* that does not jump */
	uint8_t key[JP_GROUPS_KEY_LEN];
	struct {
		uint8_t tag[JP_GROUPS_KEY_LEN]; /* of user and groups */
		int64_t until;
		bool member;
	} entries[JP_GROUPS_ENTRIES];
};

enum jp_member {
	JP_MEMBER_UNKNOWN, /* jp_groups_learn() it */
	JP_MEMBER_NO,
	JP_MEMBER_YES,
};

void jp_groups_init(struct jp_groups *groups, const struct jp_clock *clock);
void jp_groups_free(struct jp_groups *groups);

/* Forgets everything. */
void jp_groups_flush(struct jp_groups *groups);

/* What is known of `user` and `names`, groups with a newline between them. */
enum jp_member
jp_groups_find(struct jp_groups *groups, const char *user, const char *names);

/*
 * Asks the name service, in this thread, and remembers the answer. A user or a
 * group that it does not know is in none, or has none. JP_ERR_UNREACHABLE if it
 * fails: then nothing is remembered, and `member` is false.
 */
enum jp_err jp_groups_ask(struct jp_groups *groups, const char *user,
    const char *names, bool *member);

/* The same for those who look with jp_groups_find() afterwards. */
enum jp_err
jp_groups_learn(struct jp_groups *groups, const char *user, const char *names);

/*
 * Calls `take` with each group of `user`, who may have no account, as the name
 * service lists them in this thread; an error of `take` ends that. Errors as
 * jp_groups_ask() has them.
 */
typedef enum jp_err (*jp_groups_take)(void *arg, const char *group);
enum jp_err jp_groups_each(const char *user, jp_groups_take take, void *arg);

#endif
