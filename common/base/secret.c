#include "common/base/secret.h"

#include <string.h>

enum jp_err
jp_secret_set(struct jp_secret *secret, const char *text, size_t len)
{
	jp_secret_clear(secret);
	if (len > JP_SECRET_MAX)
		return JP_ERR_TOO_LONG;
	if (memchr(text, '\0', len) != NULL)
		return JP_ERR_INVALID;
	memcpy(secret->text, text, len);
	secret->len = len;
	return JP_ERR_OK;
}

void
jp_secret_clear(struct jp_secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}
