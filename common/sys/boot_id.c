#include "common/sys/boot_id.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

void
jp_boot_id(char boot[JP_BOOT_ID_LEN])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	memset(boot, 0, JP_BOOT_ID_LEN);
	if (fd < 0)
		return;
	got = read(fd, boot, JP_BOOT_ID_LEN - 1);
	if (got < 0)
		memset(boot, 0, JP_BOOT_ID_LEN);
	(void)close(fd);
}
