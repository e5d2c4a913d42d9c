/*
 * What is stored of a user: whether their tokens work at all, and their groups.
 * Users need no record: one without is active and in no group.
 * Byte layout in common/record/user.c; its first byte is the format's version.
 */
#ifndef JP_USER_H
#define JP_USER_H

#include "common/record/record.h"

#define JP_USER_VERSION 2       /* 1: as 2, but none is protected */
#define JP_USER_RECORD_MAX 4096 /* bytes of an encoded record of a user */
#define JP_GROUPS_MAX 32        /* groups of a user */
/* Bytes of all groups of a user as text, each quote in them doubled. */
#define JP_GROUPS_TEXT_MAX (JP_GROUPS_MAX * (2 * JP_GROUP_MAX + 3) + 1)

struct jp_user {
	char name[JP_USER_MAX + 1]; /* primary key */
	bool disabled;              /* none of their tokens is valid */
	bool protected;             /* no list of users disables it */
	int64_t changed_at;         /* JP_NEVER: nothing was recorded of it */
	char changed_by[JP_ACTOR_MAX + 1];
	char note[JP_NOTE_MAX + 1];
	size_t group_len;
	char groups[JP_GROUPS_MAX][JP_GROUP_MAX + 1];
};

/* What a user is without a record. */
void jp_user_default(struct jp_user *user, const char *name);

/* Encodes into JP_USER_RECORD_MAX bytes; `len` gets the length. */
enum jp_err
jp_user_encode(const struct jp_user *user, uint8_t *bytes, size_t *len);

/*
 * Any error leaves `user` zeroed: JP_ERR_NEWER for the version of a newer
 * jira-pat, JP_ERR_DAMAGED for bytes that no jp_user_encode() wrote.
 */
enum jp_err
jp_user_decode(struct jp_user *user, const uint8_t *bytes, size_t len);

/* The fields alone, without a version, for messages. Errors stick to `buf`. */
void jp_user_put(struct jp_buf *buf, const struct jp_user *user);
void jp_user_get(struct jp_buf *buf, struct jp_user *user);

/*
 * A group's name: up to JP_GROUP_MAX bytes of UTF-8 without control characters;
 * it may hold spaces, but not at its ends. `why` says what is wrong.
 */
enum jp_err jp_group_check(const char *group, struct jp_why *why);

/*
 * Reads the next name of a list of groups and moves `text` behind it; `group`
 * "": there is none. Between two names stand one or more of `separators`,
 * around them blanks. A name in double quotes may hold separators, and a quote
 * in it stands twice.
 */
enum jp_err jp_group_next(const char **text, const char *separators,
    char group[JP_GROUP_MAX + 1], struct jp_why *why);

/* Adds all groups of such a list. */
enum jp_err jp_user_add_groups(struct jp_user *user, const char *text,
    const char *separators, struct jp_why *why);

/*
 * The groups with `separator` between them, in quotes where that is needed to
 * read them again with jp_group_next().
 */
void jp_user_print_groups(
    const struct jp_user *user, char separator, char text[JP_GROUPS_TEXT_MAX]);

/* Adds a group unless it is there; JP_ERR_TOO_LONG if there are too many. */
enum jp_err
jp_user_add_group(struct jp_user *user, const char *group, struct jp_why *why);

/* Whether the record names `group`, byte for byte. */
bool jp_user_in_group(const struct jp_user *user, const char *group);

/* Whether two records say the same of a user, whoever wrote them. */
bool jp_user_same(const struct jp_user *a, const struct jp_user *b);

#endif
