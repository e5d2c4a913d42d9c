/*
 * common/sys/: the process, accounts, log, times as text.
 *
 * The local accounts that the configuration names: by name, or by number, for
 * a container without entries for them in /etc/passwd and /etc/group.
 * Asks the name service.
 */
#ifndef JP_ACCOUNT_H
#define JP_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

struct jp_account {
	uid_t uid;
	gid_t gid;      /* of a number without a line: the same number */
	char name[256]; /* "": a number without a line */
};

/*
 * A user, by name or else by its decimal number. JP_ERR_NOT_FOUND for a name
 * that does not exist, or a number not below 2^32 - 1.
 */
enum jp_err jp_account_find(const char *text, struct jp_account *account);

/* The same of a group. */
enum jp_err jp_account_find_group(const char *text, gid_t *gid);

/*
 * The same of the key "user" in the section of a daemon; JP_ERR_CONFIG with
 * `why` if there is none.
 */
enum jp_err jp_account_of_daemon(const char *text, const char *section,
    struct jp_account *account, struct jp_why *why);

/* The same of [patd] user. */
enum jp_err jp_account_of_patd(
    const char *text, struct jp_account *account, struct jp_why *why);

/* Whether the account is a member, as its own group or one more; root: yes. */
bool jp_account_in_group(const struct jp_account *account, gid_t gid);

enum { JP_WHOSE_MAX = 128 };

/*
 * Why this process may not open `path`, as the end of an error that was EACCES:
 * "; it belongs to uid 1000 ...", where it is another user's; else "". Root
 * without its capabilities is refused, too.
 */
void jp_account_whose(const char *path, int errnum, char text[JP_WHOSE_MAX]);

/*
 * Becomes it for good, with its groups; nothing where it is root.
 * JP_ERR_PERMISSION, and errno says why not.
 */
enum jp_err jp_account_become(const struct jp_account *account);

#endif
