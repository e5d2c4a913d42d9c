/* A configuration file: accepted within bounds, or refused with a reason. */
#include "common/base/escape.h"
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
	FUZZ_ASSERT(settings->upstream_key_file[0] == '/');
	FUZZ_ASSERT(
	    strcmp(settings->upstream_key_file, settings->pepper_file) != 0);
	check_listeners(settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jp_settings settings;
	struct jp_why why = { .text = "" };
	FILE *file = fuzz_file(data, size);
	char shown[JP_ESCAPED_MAX(JP_WHY_MAX)];

	if (jp_settings_read(file, "jira-pat.conf", &settings, &why) ==
	    JP_ERR_OK)
		check(&settings);
	else
		fuzz_says(jp_escape(shown, sizeof(shown), why.text));
	(void)fclose(file);
	return 0;
}
