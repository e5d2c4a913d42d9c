/*
 * The value of Authorization: what is accepted has a token, no token in the
 * place of its user, and is read the same if it is written anew as Basic.
 */
#include <sodium.h>
#include <stdio.h>

#include "common/base/escape.h"
#include "pat_httpd/authorizer/credentials.h"
#include "tests/fuzz/fuzz.h"

static void
read_again(const struct jp_login *login)
{
	char pair[JP_USER_MAX + JP_SECRET_MAX + 2];
	char value[2048] = "Basic ";
	struct jp_login again;
	int len = snprintf(
	    pair, sizeof(pair), "%s:%s", login->authcid, login->passwd.text);

	(void)sodium_bin2base64(value + 6, sizeof(value) - 6,
	    (const unsigned char *)pair, (size_t)len,
	    sodium_base64_VARIANT_ORIGINAL);
	FUZZ_ASSERT(
	    credentials_parse(value, strlen(value), &again) == JP_ERR_OK);
	FUZZ_ASSERT(memcmp(&again, login, sizeof(again)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_login login;

	if (credentials_parse((const char *)data, size, &login) != JP_ERR_OK) {
		FUZZ_ASSERT(login.authcid[0] == '\0' && login.passwd.len == 0);
		return 0;
	}
	FUZZ_ASSERT(login.passwd.len > 0);
	FUZZ_ASSERT(!jp_has_token(login.authcid));
	if (login.authcid[0] != '\0')
		read_again(&login);
	return 0;
}
