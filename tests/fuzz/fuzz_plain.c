/* A message of PLAIN: what is accepted is written as the same bytes. */
#include "common/wire/sasl_plain.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_login login;
	size_t zlen, clen;

	if (jp_plain_parse((const char *)data, size, &login) != JP_ERR_OK) {
		FUZZ_ASSERT(login.authcid[0] == '\0' && login.passwd.len == 0);
		return 0;
	}
	zlen = strlen(login.authzid);
	clen = strlen(login.authcid);
	FUZZ_ASSERT(clen > 0 && login.passwd.len > 0);
	FUZZ_ASSERT(size == zlen + clen + login.passwd.len + 2);
	FUZZ_ASSERT(memcmp(data, login.authzid, zlen + 1) == 0);
	FUZZ_ASSERT(memcmp(data + zlen + 1, login.authcid, clen + 1) == 0);
	FUZZ_ASSERT(memcmp(data + zlen + clen + 2, login.passwd.text,
	                login.passwd.len) == 0);
	return 0;
}
