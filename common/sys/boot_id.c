#include "common/sys/boot_id.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define DIGITS "0123456789abcdef"

enum {
	GIVEN_LEN = 32, /* digits */
};

/* As the kernel writes it, so that one boot has one text. */
static void
take_given(char boot[JP_BOOT_ID_LEN])
{
	const char *given = getenv(JP_BOOT_ID_VARIABLE);

	if (given == NULL || strlen(given) != GIVEN_LEN ||
	    strspn(given, DIGITS) != GIVEN_LEN)
		return;
	(void)snprintf(boot, JP_BOOT_ID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s\n",
	    given, given + 8, given + 12, given + 16, given + 20);
}

void
jp_boot_id(char boot[JP_BOOT_ID_LEN])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	memset(boot, 0, JP_BOOT_ID_LEN);
	if (fd >= 0) {
		got = read(fd, boot, JP_BOOT_ID_LEN - 1);
		(void)close(fd);
	}
	if (got <= 0)
		take_given(boot);
}
