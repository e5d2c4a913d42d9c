/* A configuration file: accepted within bounds, or refused with a reason. */
#include <sys/mman.h>
#include <sys/stat.h>

#include <stdio.h>
#include <unistd.h>

#include "common/config/settings.h"
#include "tests/fuzz/fuzz.h"

/* Each has an address that can be bound, and nobody else's. */
static void
check_listeners(const struct jp_settings *settings)
{
	const struct jp_httpd_settings *httpd = &settings->httpd;
	char texts[JP_LISTENERS_MAX][JP_LISTEN_TEXT_MAX];
	struct sockaddr_storage address;
	socklen_t len;

	FUZZ_ASSERT(httpd->user_header[0] != '\0');
	FUZZ_ASSERT(httpd->listener_len >= 2);
	FUZZ_ASSERT(httpd->listener_len <= JP_LISTENERS_MAX);
	for (size_t i = 0; i < httpd->listener_len; i++) {
		jp_listener_format(
		    &httpd->listeners[i], settings->run_dir, texts[i]);
		if (httpd->listeners[i].listen[0] != '\0')
			FUZZ_ASSERT(jp_listen_parse(texts[i], &address, &len) ==
			            JP_ERR_OK);
		for (size_t j = 0; j < i; j++)
			FUZZ_ASSERT(strcmp(texts[i], texts[j]) != 0);
	}
}

static void
check(const struct jp_settings *settings)
{
	const struct jp_policy *policy = &settings->policy;

	FUZZ_ASSERT(policy->rule_len <= JP_RULES_MAX);
	for (size_t i = 0; i < policy->rule_len; i++)
		FUZZ_ASSERT(policy->rules[i].glob[0] != '\0');
	FUZZ_ASSERT(policy->cost.memory <= JP_ARGON2_MEMORY_MAX);
	FUZZ_ASSERT(policy->cost.memory >= JP_ARGON2_MEMORY_MIN);
	FUZZ_ASSERT(policy->cost.passes >= 1);
	FUZZ_ASSERT(policy->cost.passes <= JP_ARGON2_PASSES_MAX);
	FUZZ_ASSERT(jp_token_prefix_valid(policy->prefix));
	FUZZ_ASSERT(settings->store_dir[0] == '/');
	FUZZ_ASSERT(settings->user[0] != '\0');
	check_listeners(settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_settings settings;
	struct jp_why why = { "" };
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_ASSERT(fd >= 0 && fchmod(fd, 0600) == 0);
	FUZZ_ASSERT(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (jp_settings_load(path, &settings, &why) == JP_ERR_OK)
		check(&settings);
	else
		FUZZ_ASSERT(why.text[0] != '\0');
	(void)close(fd);
	return 0;
}
