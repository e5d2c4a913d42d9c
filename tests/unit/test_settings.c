/* The configuration file: common/config/settings.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/leave_out.h"
#include "tests/unit/settings_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
an_empty_file_means_the_defaults(void **unused)
{
	struct jp_settings settings, defaults;

	(void)unused;
	jp_settings_default(&defaults);
	strcpy(defaults.file, settings_path);
	load_good("", &settings);
	assert_memory_equal(&settings, &defaults, sizeof(settings));
	load_good("; only\n# remarks\n\n  \t\n[tokens]\n", &settings);
	assert_memory_equal(&settings, &defaults, sizeof(settings));
}

static void
the_defaults_are_those_of_the_manual(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	jp_settings_default(&settings);
	assert_int_equal(settings.policy.default_lifetime, 90 * 86400);
	assert_int_equal(settings.policy.max_lifetime, 365 * 86400);
	assert_int_equal(settings.policy.max_per_user, 10);
	assert_string_equal(settings.policy.prefix, "jpat");
	assert_int_equal(settings.policy.accept_prefix_len, 0);
	assert_int_equal(settings.policy.cost.memory, 19456);
	assert_int_equal(settings.policy.cost.passes, 2);
	assert_int_equal(settings.policy.rule_len, 0);
	assert_int_equal(settings.cache_entries, 4096);
	assert_true(settings.sandbox);
	assert_true(settings.httpd.sandbox);
	assert_string_equal(settings.user, "jira-pat");
	assert_string_equal(settings.run_dir, "/run/jira-pat");
	assert_string_equal(settings.store_dir, "/var/lib/jira-pat");
	assert_string_equal(settings.pepper_file, "/etc/jira-pat/pepper.key");
	assert_string_equal(settings.admin_group, "");
	assert_int_equal(settings.verify.len, 0);
	assert_int_equal(settings.mux.len, 0);
	assert_int_equal(settings.mux_realm, JP_REALM_KEEP);
	assert_int_equal(settings.allow_users.len, 0);
	assert_int_equal(settings.allow_groups.len, 0);
}

static void
the_default_file_may_be_missing(void **unused)
{
	struct jp_settings settings, defaults;
	struct jp_why why;

	(void)unused;
	assert_int_equal(jp_settings_load(NULL, &settings, &why), JP_ERR_OK);
	memset(settings.file, 0, sizeof(settings.file));
	jp_settings_default(&defaults);
	assert_memory_equal(&settings, &defaults, sizeof(settings));
}

static void
a_named_file_must_be_there(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	assert_int_equal(
	    jp_settings_load("/nonexistent/x.conf", &settings, &why),
	    JP_ERR_MISSING);
	assert_non_null(strstr(why.text, "/nonexistent/x.conf"));
}

static void
every_key_of_tokens_and_argon2_is_read(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good("[tokens]\ndefault_lifetime = 7d\nmax_lifetime=30d\n"
	          "max_per_user = 3\nname_required = yes\nprefix = acme\n"
	          "accept_prefix = jpat, old,  15LettersInHere\n"
	          "[argon2]\nmemory = 8K\npasses = 10\n",
	    &settings);
	assert_int_equal(settings.policy.default_lifetime, 7 * 86400);
	assert_int_equal(settings.policy.max_lifetime, 30 * 86400);
	assert_int_equal(settings.policy.max_per_user, 3);
	assert_true(settings.policy.name_required);
	assert_string_equal(settings.policy.prefix, "acme");
	assert_string_equal(jp_policy_prefix(&settings.policy, 0), "acme");
	assert_string_equal(jp_policy_prefix(&settings.policy, 1), "jpat");
	assert_string_equal(jp_policy_prefix(&settings.policy, 2), "old");
	assert_string_equal(
	    jp_policy_prefix(&settings.policy, 3), "15LettersInHere");
	assert_null(jp_policy_prefix(&settings.policy, 4));
	assert_int_equal(settings.policy.cost.memory, 8);
	assert_int_equal(settings.policy.cost.passes, 10);
}

static void
every_key_of_patd_is_read(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good(
	    "[patd]\nuser = pat\nrun_dir = /run/p\nstore_dir = /s\n"
	    "pepper_file = /p\naudit_file = /a\naudit_accept = none\n"
	    "audit_required = yes\naudit_syslog = yes\nworkers = 4\n"
	    "max_connections = 9\nmax_per_uid = 8\ncache = 1M\n"
	    "cache_entries = 0\nsandbox = no\nallow_users = www-data, a\n"
	    "allow_groups = ssl-cert\nadmin_group = adm\n"
	    "mux = /run/p/mux\nmux_realm = require\nmux = /jail/m  strip\n"
	    "verify = /jail/v\n",
	    &settings);
	assert_string_equal(settings.user, "pat");
	assert_string_equal(settings.run_dir, "/run/p");
	assert_string_equal(settings.store_dir, "/s");
	assert_string_equal(settings.pepper_file, "/p");
	assert_string_equal(settings.audit_file, "/a");
	assert_int_equal(settings.audit_accept, JP_AUDIT_ACCEPT_NONE);
	assert_false(settings.sandbox);
	assert_true(settings.audit_required);
	assert_true(settings.audit_syslog);
	assert_int_equal(settings.workers, 4);
	assert_int_equal(settings.max_connections, 9);
	assert_int_equal(settings.max_per_uid, 8);
	assert_int_equal(settings.cache_kib, 1024);
	assert_int_equal(settings.cache_entries, 0);
	assert_int_equal(settings.allow_users.len, 2);
	assert_string_equal(settings.allow_users.names[0], "www-data");
	assert_string_equal(settings.allow_users.names[1], "a");
	assert_int_equal(settings.allow_groups.len, 1);
	assert_string_equal(settings.allow_groups.names[0], "ssl-cert");
	assert_string_equal(settings.admin_group, "adm");
	assert_int_equal(settings.mux.len, 2);
	assert_string_equal(settings.mux.at[0], "/run/p/mux");
	assert_string_equal(settings.mux.at[1], "/jail/m");
	assert_int_equal(settings.mux_realm, JP_REALM_REQUIRE);
	assert_int_equal(settings.verify.len, 1);
	assert_string_equal(settings.verify.at[0], "/jail/v");
	assert_int_equal(
	    jp_settings_realm(&settings, "/run/p/mux"), JP_REALM_REQUIRE);
	assert_int_equal(
	    jp_settings_realm(&settings, "/jail/m"), JP_REALM_STRIP);
	assert_int_equal(
	    jp_settings_realm(&settings, "/passed"), JP_REALM_REQUIRE);
}

static void
bad_values_are_refused_with_line_and_key(void **unused)
{
	static const struct {
		const char *section, *key, *value;
	} rows[] = {
		{ "tokens", "default_lifetime", "" },
		{ "tokens", "default_lifetime", "90" },
		{ "tokens", "default_lifetime", "-1d" },
		{ "tokens", "max_lifetime", "1y" },
		{ "tokens", "max_per_user", "-1" },
		{ "tokens", "max_per_user", "1000001" },
		{ "tokens", "max_per_user", "99999999999999999999" },
		{ "tokens", "max_per_user", "3x" },
		{ "tokens", "name_required", "true" },
		{ "tokens", "name_required", "Yes" },
		{ "tokens", "name_required", "" },
		{ "tokens", "prefix", "" },
		{ "tokens", "prefix", "a_b" },
		{ "tokens", "prefix", "abcdefghijklmnop" },
		{ "tokens", "accept_prefix", "" },
		{ "tokens", "accept_prefix", "," },
		{ "tokens", "accept_prefix", "a, b_c" },
		{ "tokens", "accept_prefix", "a, abcdefghijklmnop" },
		{ "tokens", "accept_prefix", "a b c d e f g h i" },
		{ "argon2", "memory", "7K" },
		{ "argon2", "memory", "65537K" },
		{ "argon2", "memory", "65M" },
		{ "argon2", "memory", "19456" },
		{ "argon2", "memory", "19MB" },
		{ "argon2", "memory", "9999999999M" },
		{ "argon2", "passes", "0" },
		{ "argon2", "passes", "11" },
		{ "patd", "user", "" },
		{ "patd", "user", "a b" },
		{ "patd", "user", X40 },
		{ "patd", "run_dir", "run" },
		{ "patd", "run_dir", "/" X40 X40 X40 },
		{ "patd", "store_dir", "" },
		{ "patd", "store_dir", "./x" },
		{ "patd", "pepper_file", "pepper" },
		{ "patd", "audit_file", "audit.jsonl" },
		{ "patd", "audit_accept", "some" },
		{ "patd", "audit_accept", "" },
		{ "patd", "audit_required", "maybe" },
		{ "patd", "audit_syslog", "1" },
		{ "patd", "workers", "257" },
		{ "patd", "max_connections", "0" },
		{ "patd", "max_per_uid", "65537" },
		{ "patd", "cache", "255K" },
		{ "patd", "cache", "65537M" },
		{ "patd", "cache_entries", "1048577" },
		{ "patd", "cache_entries", "4K" },
		{ "patd", "allow_users", "" },
		{ "patd", "allow_users", "a, " X40 },
		{ "patd", "allow_groups", " , " },
		{ "patd", "admin_group", "a:b" },
		{ "patd", "verify", "" },
		{ "patd", "verify", "sock" },
		{ "patd", "verify", "/" X40 X40 X40 },
		{ "patd", "mux", "" },
		{ "patd", "mux", "mux" },
		{ "patd", "mux", "/run/mux cut" },
		{ "patd", "mux", "/run/mux strip x" },
		{ "patd", "mux", "/" X40 X40 X40 },
		{ "patd", "mux_realm", "" },
		{ "patd", "mux_realm", "Keep" },
		{ "service x", "scope", "" },
		{ "service x", "scope", "a b" },
		{ "service x", "scope", "a,b" },
		{ "service x", "scope", X40 },
	};
	char text[512], words[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text), "# remark\n[%s]\n%s = %s\n",
		    rows[i].section, rows[i].key, rows[i].value);
		(void)snprintf(words, sizeof(words), "[%s] %s: expected ",
		    rows[i].section, rows[i].key);
		assert_refused(text, 3, words);
	}
}

static void
lists_hold_at_most_32_names(void **unused)
{
	char text[256] = "[patd]\nallow_users =";
	struct jp_settings settings;

	(void)unused;
	for (int i = 0; i < JP_LIST_MAX; i++)
		strcat(text, " abc");
	load_good(text, &settings);
	assert_int_equal(settings.allow_users.len, JP_LIST_MAX);
	strcat(text, " d");
	assert_refused(text, 2, "allow_users");
}

static void
what_is_unknown_is_refused_with_its_line(void **unused)
{
	static const struct {
		const char *text;
		int line;
		const char *words;
	} rows[] = {
		{ "[token]\nprefix = a\n", 1, "[token]" },
		{ "[token]\n", 1, "unknown section" },
		{ "[]\n", 1, "unknown section" },
		{ "[Tokens]\n", 1, "unknown section" },
		{ "[service]\nscope = a\n", 1, "[service]" },
		{ "[service ]\nscope = a\n", 1, "[service ]" },
		{ "[tokens]\nPrefix = a\n", 2, "[tokens] Prefix: unknown" },
		{ "[tokens]\n\nmemory = 8K\n", 3, "memory: unknown key" },
		{ "[service x]\nscopes = a\n", 2, "scopes: unknown key" },
		{ "[service x]\ngroups =\n", 2, "groups: expected" },
		{ "[service x]\ngroups = a\ngroups = b\n", 3,
		    "groups: given twice" },
		{ "[tokens]\non_reuse = panic\n", 2,
		    "on_reuse: expected alert or revoke_family" },
		{ "[tokens]\nunused_limit = soon\n", 2,
		    "unused_limit: expected a duration" },
		{ "prefix = a\n", 1, "prefix" },
		{ "[tokens]\nprefix\n", 2, "expected" },
		{ "[tokens\nprefix = a\n", 1, "expected" },
		{ "[tokens] x\nprefix = a\n", 1, "behind" },
		{ "[tokens]\nprefix\n[nothing]\n", 2, "expected" },
		{ "[nothing]\n[tokens]\nprefix\n", 1, "[nothing]" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_refused(rows[i].text, rows[i].line, rows[i].words);
}

static void
a_key_given_twice_is_refused(void **unused)
{
	(void)unused;
	assert_refused("[tokens]\nprefix = a\nprefix = a\n", 3, "given twice");
	assert_refused("[tokens]\nprefix = a\n[argon2]\n[tokens]\nprefix = b\n",
	    5, "[tokens] prefix: given twice");
	assert_refused("[service x]\nscope = a\nscope = b\n", 3,
	    "[service x] scope: given twice");
}

static void
mux_may_be_given_eight_times_and_each_path_once(void **unused)
{
	char text[512] = "[patd]\n";
	struct jp_settings settings;

	(void)unused;
	assert_refused("[patd]\nmux = /a\nmux = /b\nmux = /a strip\n", 4,
	    "[patd] mux: expected an absolute path");
	for (int i = 0; i < JP_PATHS_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "mux = /run/mux%d\n", i);
	load_good(text, &settings);
	assert_int_equal(settings.mux.len, JP_PATHS_MAX);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    "mux = /run/more\n");
	assert_refused(text, JP_PATHS_MAX + 2, "up to 8 times");
}

static void
a_service_named_twice_is_refused(void **unused)
{
	(void)unused;
	assert_refused("[service x]\nscope = a\n[service y]\nscope = b\n"
	               "[service x]\nscope = c\n",
	    5, "[service x] given twice");
	assert_refused("[service x]\n[service x]\n", 2, "given twice");
}

static void
the_first_service_that_matches_is_taken(void **unused)
{
	struct jp_settings settings;
	const struct jp_policy *policy = &settings.policy;

	(void)unused;
	load_good("[service jira-write]\nscope = write\n"
	          "[service jira-*]\nscope = read\n"
	          "[service [ab]?]\nscope = two\n"
	          "[service imap]\n",
	    &settings);
	assert_int_equal(policy->rule_len, 4);
	assert_string_equal(
	    jp_policy_rule(policy, "jira-write")->scope, "write");
	assert_string_equal(jp_policy_rule(policy, "jira-x")->scope, "read");
	assert_string_equal(jp_policy_rule(policy, "jira-")->scope, "read");
	assert_null(jp_policy_rule(policy, "jira"));
	assert_null(jp_policy_rule(policy, ""));
	assert_null(jp_policy_rule(policy, "Jira-write"));
	assert_string_equal(jp_policy_rule(policy, "imap")->scope, "");
}

static void
a_service_without_lines_hides_later_ones(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good(
	    "[service jira-admin]\n[service *]\nscope = read\n", &settings);
	assert_string_equal(
	    jp_policy_rule(&settings.policy, "jira-admin")->scope, "");
	assert_string_equal(
	    jp_policy_rule(&settings.policy, "jira")->scope, "read");
}

static void
a_glob_is_kept_whole_up_to_64_bytes(void **unused)
{
	static const char glob[] = X40 "012345678901234567890123";
	struct jp_settings settings;
	char text[128];

	(void)unused;
	(void)snprintf(text, sizeof(text), "[service %s]\nscope=a\n", glob);
	load_good(text, &settings);
	assert_string_equal(settings.policy.rules[0].glob, glob);
	(void)snprintf(text, sizeof(text), "[service %sx]\nscope=a\n", glob);
	assert_refused(text, 1, "64 bytes");
}

static void
there_are_at_most_64_services(void **unused)
{
	struct jp_settings settings;
	char text[65 * 24] = "";
	size_t len = 0;

	(void)unused;
	for (int i = 0; i < JP_RULES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "[service s%d]\nscope=a\n", i);
	load_good(text, &settings);
	assert_int_equal(settings.policy.rule_len, JP_RULES_MAX);
	strcat(text, "[service t]\n");
	assert_refused(text, 2 * JP_RULES_MAX + 1, "64 services");
}

static void
a_line_that_would_be_cut_is_refused(void **unused)
{
	char text[1200];

	(void)unused;
	for (size_t blanks = 0; blanks < 1000; blanks++) {
		struct jp_settings settings;
		struct jp_why why;
		enum jp_err err;

		(void)snprintf(text, sizeof(text),
		    "[tokens]\nprefix =%*sacme\n", (int)blanks, "");
		err = load(text, &settings, &why);
		if (err == JP_ERR_OK)
			assert_string_equal(settings.policy.prefix, "acme");
		else
			assert_refused(text, 2, "too long");
		assert_true(err == JP_ERR_OK || blanks > 150);
		assert_true(err != JP_ERR_OK || blanks < 250);
	}
}

static void
a_long_remark_is_refused_not_taken_for_a_key(void **unused)
{
	char text[512];

	(void)unused;
	(void)snprintf(
	    text, sizeof(text), "[tokens]\n#%*sprefix = acme\n", 198, "");
	assert_refused(text, 2, "too long");
}

static void
indented_lines_are_lines(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good("  [tokens]\n\tprefix = acme\n    max_per_user = 4\n"
	          "  # remark\n  [argon2]\n  passes = 3\n",
	    &settings);
	assert_string_equal(settings.policy.prefix, "acme");
	assert_int_equal(settings.policy.max_per_user, 4);
	assert_int_equal(settings.policy.cost.passes, 3);
	assert_refused("[patd]\nallow_users = a,\n  b\n", 3, "expected");
}

static void
remarks_are_passed_over(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good("# [x]\n; y = z\n[tokens] # here\nprefix = acme ; there\n",
	    &settings);
	assert_string_equal(settings.policy.prefix, "acme");
}

static void
lines_of_dos_and_a_byte_order_mark_are_read(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good("\xef\xbb\xbf[tokens]\r\nprefix = acme\r\n[service a]\r\n"
	          "scope = b\r\n",
	    &settings);
	assert_string_equal(settings.policy.prefix, "acme");
	assert_string_equal(settings.policy.rules[0].glob, "a");
	assert_string_equal(settings.policy.rules[0].scope, "b");
}

static void
the_last_line_needs_no_end(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	load_good("[tokens]\nprefix = acme", &settings);
	assert_string_equal(settings.policy.prefix, "acme");
}

static void
a_nul_byte_is_refused(void **unused)
{
	static const char text[] =
	    "[tokens]\nprefix = a\0b\nmax_per_user = 1\n";
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	write_bytes(text, sizeof(text) - 1);
	assert_int_equal(
	    jp_settings_load(settings_path, &settings, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, ":2: "));
}

static void
a_default_lifetime_above_the_longest_is_refused(void **unused)
{
	static const char *const rows[] = {
		"[tokens]\ndefault_lifetime = 366d\n",
		"[tokens]\nmax_lifetime = 89d\n",
		"[tokens]\ndefault_lifetime = never\n",
	};
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(load(rows[i], &settings, &why), JP_ERR_CONFIG);
		assert_non_null(strstr(why.text, "default_lifetime"));
	}
	load_good("[tokens]\ndefault_lifetime=never\nmax_lifetime=never\n",
	    &settings);
}

static void
a_file_that_everybody_may_write_is_refused(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	write_bytes("", 0);
	assert_int_equal(chmod(settings_path, 0666), 0);
	assert_int_equal(
	    jp_settings_load(settings_path, &settings, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, settings_path));
	assert_int_equal(chmod(settings_path, 0600), 0);
	assert_int_equal(
	    jp_settings_load(settings_path, &settings, &why), JP_ERR_OK);
}

static void
a_folder_is_refused(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	assert_int_equal(
	    jp_settings_load("/tmp", &settings, &why), JP_ERR_CONFIG);
}

static void
a_fifo_is_refused_without_waiting(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;
	char fifo[sizeof(settings_path) + 8];

	(void)unused;
	(void)snprintf(fifo, sizeof(fifo), "%s.fifo", settings_path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	(void)alarm(10); /* a wait would last for ever */
	assert_int_equal(
	    jp_settings_load(fifo, &settings, &why), JP_ERR_CONFIG);
	(void)alarm(0);
	assert_int_equal(unlink(fifo), 0);
}

static void
a_path_that_does_not_fit_is_refused(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;
	char longer[JP_PATH_MAX + 2];

	(void)unused;
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(
	    jp_settings_load(longer, &settings, &why), JP_ERR_CONFIG);
}

static void
the_rules_for_use_reuse_and_groups_are_read(void **state)
{
	struct jp_settings settings;

	(void)state;
	load_good(
	    "[tokens]\nunused_limit = 90d\non_reuse = revoke_family\n"
	    "[service x]\ngroups =  ops,\"Jira Admins\"  qa, \"a\"\"b\" \n"
	    "[service y]\n",
	    &settings);
	assert_int_equal(settings.policy.unused_limit, 90 * 86400);
	assert_int_equal(settings.policy.on_reuse, JP_REUSE_REVOKE_FAMILY);
	assert_string_equal(
	    settings.policy.rules[0].groups, "ops\nJira Admins\nqa\na\"b");
	assert_string_equal(settings.policy.rules[1].groups, "");
	load_good("", &settings);
	assert_int_equal(settings.policy.unused_limit, JP_NEVER);
	assert_int_equal(settings.policy.on_reuse, JP_REUSE_ALERT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rules_for_use_reuse_and_groups_are_read),
		cmocka_unit_test(an_empty_file_means_the_defaults),
		cmocka_unit_test(the_defaults_are_those_of_the_manual),
		cmocka_unit_test(the_default_file_may_be_missing),
		cmocka_unit_test(a_named_file_must_be_there),
		cmocka_unit_test(every_key_of_tokens_and_argon2_is_read),
		cmocka_unit_test(every_key_of_patd_is_read),
		cmocka_unit_test(bad_values_are_refused_with_line_and_key),
		cmocka_unit_test(lists_hold_at_most_32_names),
		cmocka_unit_test(what_is_unknown_is_refused_with_its_line),
		cmocka_unit_test(a_key_given_twice_is_refused),
		cmocka_unit_test(
		    mux_may_be_given_eight_times_and_each_path_once),
		cmocka_unit_test(a_service_named_twice_is_refused),
		cmocka_unit_test(the_first_service_that_matches_is_taken),
		cmocka_unit_test(a_service_without_lines_hides_later_ones),
		cmocka_unit_test(a_glob_is_kept_whole_up_to_64_bytes),
		cmocka_unit_test(there_are_at_most_64_services),
		cmocka_unit_test(a_line_that_would_be_cut_is_refused),
		cmocka_unit_test(a_long_remark_is_refused_not_taken_for_a_key),
		cmocka_unit_test(indented_lines_are_lines),
		cmocka_unit_test(remarks_are_passed_over),
		cmocka_unit_test(lines_of_dos_and_a_byte_order_mark_are_read),
		cmocka_unit_test(the_last_line_needs_no_end),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(
		    a_default_lifetime_above_the_longest_is_refused),
		cmocka_unit_test(a_file_that_everybody_may_write_is_refused),
		cmocka_unit_test(a_folder_is_refused),
		cmocka_unit_test(a_fifo_is_refused_without_waiting),
		cmocka_unit_test(a_path_that_does_not_fit_is_refused),
	};
	struct jp_settings settings;
	struct jp_why why;

	if (jp_settings_load(NULL, &settings, &why) != JP_ERR_OK ||
	    settings.file[0] != '\0')
		leave_out("the_default_file_may_be_missing", "it is here");
	return cmocka_run_group_tests(
	    tests, settings_make_file, settings_remove_file);
}
