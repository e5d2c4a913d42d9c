/*
 * A message of OAUTHBEARER and one of XOAUTH2: a token that is accepted stands
 * in the message as it is, behind "auth="; a name only if there was one.
 */
#include "common/wire/sasl_bearer.h"
#include "tests/fuzz/fuzz.h"

static void
check(const uint8_t *data, size_t size, const struct jp_login *login)
{
	FUZZ_ASSERT(login->authzid[0] == '\0' && login->passwd.len > 0);
	FUZZ_ASSERT(strlen(login->passwd.text) == login->passwd.len);
	FUZZ_ASSERT(
	    memmem(data, size, login->passwd.text, login->passwd.len) != NULL);
	FUZZ_ASSERT(memmem(data, size, "\1auth=", 6) != NULL);
	FUZZ_ASSERT(size > 2 && data[size - 1] == 1 && data[size - 2] == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct jp_login login;

	if (jp_oauthbearer_parse(text, size, &login) == JP_ERR_OK) {
		check(data, size, &login);
		FUZZ_ASSERT((login.authcid[0] == '\0') ==
		            (memcmp(data + 1, ",,\1", 3) == 0));
	} else {
		FUZZ_ASSERT(login.passwd.len == 0);
	}
	if (jp_xoauth2_parse(text, size, &login) == JP_ERR_OK) {
		check(data, size, &login);
		FUZZ_ASSERT(login.authcid[0] != '\0');
		FUZZ_ASSERT(memcmp(data + strlen("user="), login.authcid,
		                strlen(login.authcid)) == 0);
	} else {
		FUZZ_ASSERT(login.passwd.len == 0);
	}
	return 0;
}
