#include "common/cluster/holder.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "common/sys/boot_id.h"

void
jp_holder_make(uint8_t holder[JP_LINK_HOLDER_LEN], const char *dir)
{
	struct {
		char domain[24];
		char boot[JP_BOOT_ID_LEN];
		uint64_t dev, ino;
	} of;
	struct stat st;

	memset(&of, 0, sizeof(of));
	(void)snprintf(of.domain, sizeof(of.domain), "jpat-holder-v1");
	jp_boot_id(of.boot);
	if (of.boot[0] == '\0' || stat(dir, &st) != 0) {
		randombytes_buf(holder, JP_LINK_HOLDER_LEN);
		return;
	}
	of.dev = st.st_dev;
	of.ino = st.st_ino;
	(void)crypto_generichash(holder, JP_LINK_HOLDER_LEN,
	    (const uint8_t *)&of, sizeof(of), NULL, 0);
}
