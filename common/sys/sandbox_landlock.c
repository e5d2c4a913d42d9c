#include "common/sys/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What the kernel understands, by ABI. The headers of older distributions know
 * less of it than the kernels that they meet in a container.
 */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	TRUNCATE = 1 << 14,

	FILES_1 = (1 << 13) - 1, /* ABI 1 */
	FILES_2 = (1 << 14) - 1, /* and names in other directories */
	FILES_3 = (1 << 15) - 1, /* and TRUNCATE */
	FILES_5 = (1 << 16) - 1, /* and ioctl(2) of devices */
	BIND_4 = 1,              /* bind(2) of TCP, */
	CONNECT_4 = 2,           /* and connect(2) */
	SIGNALS_6 = 1 << 1,      /* to processes that are not confined so */

	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE,
	BENEATH = 1, /* the type of a rule */
	ASK_ABI = 1, /* the flag that asks for it */
};

struct ruleset {
	uint64_t files, net, scoped;
};

struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static const struct right {
	unsigned int may;
	uint64_t files;
} rights[] = {
	{ JP_BENEATH_READ, READ_FILE },
	{ JP_BENEATH_LIST, READ_DIR },
	{ JP_BENEATH_WRITE, WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE },
	{ JP_BENEATH_BIND, MAKE_SOCK | REMOVE_FILE },
	{ JP_BENEATH_MAKE, MAKE_DIR },
};

static uint64_t
files_of(int abi)
{
	return abi >= 5   ? FILES_5
	       : abi >= 3 ? FILES_3
	       : abi >= 2 ? FILES_2
	                  : FILES_1;
}

int
jp_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_ABI);

	return abi > 0 ? (int)abi : -errno;
}

/* What is no directory has fewer rights. */
static uint64_t
allowed_by(const struct jp_beneath_rule *rule, int fd, int abi)
{
	uint64_t allowed = 0;
	struct stat st;

	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if ((rule->may & rights[i].may) != 0)
			allowed |= rights[i].files;
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		allowed &= OF_FILES;
	return allowed & files_of(abi);
}

/* A path that is not there, or not for us, gives no right. */
static int
add(int ruleset, const struct jp_beneath_rule *rule, int abi)
{
	struct beneath beneath = { 0, open(rule->path, O_PATH | O_CLOEXEC) };
	long rc = 0;
	int errnum;

	if (beneath.fd < 0)
		return errno == ENOMEM || errno == EMFILE ? errno : 0;
	beneath.allowed = allowed_by(rule, beneath.fd, abi);
	if (beneath.allowed != 0)
		rc = syscall(
		    SYS_landlock_add_rule, ruleset, BENEATH, &beneath, 0);
	errnum = errno;
	(void)close(beneath.fd);
	return rc == 0 ? 0 : errnum;
}

static int
enter(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
}

int
jp_landlock_restrict(
    int abi, bool connects, const struct jp_beneath_rule *rules, size_t count)
{
	const uint64_t tcp = connects ? BIND_4 : BIND_4 | CONNECT_4;
	const struct ruleset all = { files_of(abi), abi >= 4 ? tcp : 0,
		abi >= 6 ? SIGNALS_6 : 0 };
	const size_t size = abi >= 6   ? sizeof(all)
	                    : abi >= 4 ? offsetof(struct ruleset, scoped)
	                               : offsetof(struct ruleset, net);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	int errnum = ruleset < 0 ? errno : 0;

	for (size_t i = 0; errnum == 0 && i < count; i++)
		errnum = add(ruleset, &rules[i], abi);
	if (errnum == 0)
		errnum = enter(ruleset);
	if (ruleset >= 0)
		(void)close(ruleset);
	return errnum;
}
