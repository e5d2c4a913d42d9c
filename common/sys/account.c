#include "common/sys/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	GROUPS_MAX = 1024, /* of an account that are looked at */
};

/* Digits alone; the largest number stands for none in chown(2) and the like. */
static bool
read_number(const char *text, uint32_t *number)
{
	size_t len = strspn(text, "0123456789");
	unsigned long long value;

	if (len == 0 || len > 10 || text[len] != '\0')
		return false;
	value = strtoull(text, NULL, 10);
	*number = (uint32_t)value;
	return value < UINT32_MAX;
}

/* As chown(1) reads it: a name may consist of digits, too. */
enum jp_err
jp_account_find(const char *text, struct jp_account *account)
{
	const struct passwd *pw = getpwnam(text);
	uint32_t number;

	memset(account, 0, sizeof(*account));
	if (pw == NULL) {
		if (!read_number(text, &number))
			return JP_ERR_NOT_FOUND;
		account->uid = account->gid = number;
		pw = getpwuid(number);
	}
	if (pw == NULL)
		return JP_ERR_OK;
	account->uid = pw->pw_uid;
	account->gid = pw->pw_gid;
	(void)snprintf(account->name, sizeof(account->name), "%s", pw->pw_name);
	return JP_ERR_OK;
}

enum jp_err
jp_account_find_group(const char *text, gid_t *gid)
{
	const struct group *group = getgrnam(text);
	uint32_t number;

	if (group == NULL && !read_number(text, &number))
		return JP_ERR_NOT_FOUND;
	*gid = group != NULL ? group->gr_gid : number;
	return JP_ERR_OK;
}

enum jp_err
jp_account_of_daemon(const char *text, const char *section,
    struct jp_account *account, struct jp_why *why)
{
	enum jp_err err = jp_account_find(text, account);

	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, JP_ERR_CONFIG,
	                 "there is no user \"%s\": create it with \"adduser "
	                 "--system --group --no-create-home %s\", or name "
	                 "another in [%s] user, perhaps root, or a number",
	                 text, text, section);
}

enum jp_err
jp_account_of_patd(
    const char *text, struct jp_account *account, struct jp_why *why)
{
	return jp_account_of_daemon(text, "patd", account, why);
}

bool
jp_account_in_group(const struct jp_account *account, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int len = GROUPS_MAX;

	if (account->uid == 0 || account->gid == gid)
		return true;
	if (account->name[0] == '\0')
		return false;
	(void)getgrouplist(account->name, account->gid, groups, &len);
	for (int i = 0; i < len && i < GROUPS_MAX; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

void
jp_account_whose(const char *path, int errnum, char text[JP_WHOSE_MAX])
{
	struct stat st;

	text[0] = '\0';
	if (errnum != EACCES || lstat(path, &st) != 0 || st.st_uid == geteuid())
		return;
	(void)snprintf(text, JP_WHOSE_MAX,
	    "; it belongs to uid %lu, but uid %lu uses it: pat-admin check "
	    "names all that has to change its owner",
	    (unsigned long)st.st_uid, (unsigned long)geteuid());
}

enum jp_err
jp_account_become(const struct jp_account *account)
{
	uid_t uid = account->uid;
	gid_t gid = account->gid;
	int rc;

	if (uid == 0)
		return JP_ERR_OK;
	rc = account->name[0] != '\0' ? initgroups(account->name, gid)
	                              : setgroups(0, NULL);
	return rc == 0 && setresgid(gid, gid, gid) == 0 &&
	               setresuid(uid, uid, uid) == 0
	           ? JP_ERR_OK
	           : JP_ERR_PERMISSION;
}
