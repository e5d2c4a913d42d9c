/* [cluster] of the configuration file, and connection strings of libpq. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/settings_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define HEAD "[cluster]\nconninfo = dbname=jira_pat\n"

static void
without_the_section_there_is_no_cluster(void **unused)
{
	struct jp_settings settings;
	const struct jp_cluster_settings *cluster = &settings.cluster;

	(void)unused;
	load_good("[cluster]\n", &settings);
	assert_false(cluster->configured);
	assert_string_equal(cluster->conninfo, "");
	assert_string_equal(cluster->node, "");
	assert_int_equal(cluster->lease, 15);
	assert_string_equal(cluster->user, "jira-pat-cluster");
	assert_false(cluster->insecure);
}

static void
every_key_of_cluster_is_read(void **unused)
{
	struct jp_settings settings;
	const struct jp_cluster_settings *cluster = &settings.cluster;

	(void)unused;
	load_good("[cluster]\nconninfo = host=db1,db2 dbname=jira_pat\n"
	          "conninfo = passfile='/etc/jira-pat/db pass'\n"
	          "node = proxy-1.example_com\nlease = 5m\nuser = dblink\n"
	          "insecure = yes\n",
	    &settings);
	assert_true(cluster->configured);
	assert_false(settings.self.configured);
	assert_string_equal(cluster->conninfo,
	    "host=db1,db2 dbname=jira_pat passfile='/etc/jira-pat/db pass'");
	assert_string_equal(cluster->node, "proxy-1.example_com");
	assert_int_equal(cluster->lease, 300);
	assert_string_equal(cluster->user, "dblink");
	assert_true(cluster->insecure);
}

static void
a_host_is_named_as_its_machine(void **unused)
{
	struct jp_settings settings;
	char name[256] = "";

	(void)unused;
	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	if (!jp_node_name_valid(name))
		skip();
	load_good(HEAD, &settings);
	assert_string_equal(settings.cluster.node, name);
}

static void
a_database_has_to_be_named(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;

	(void)unused;
	assert_int_equal(
	    load("[cluster]\nnode = a\n", &settings, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, "[cluster] conninfo is missing"));
}

static void
bad_values_of_cluster_are_refused(void **unused)
{
	static const char *const bad[] = { "lease = 4s", "lease = 301s",
		"lease = never", "lease = 0", "node = a b", "node = .a",
		"node = \303\244", "node = " X64, "node =", "user = a b",
		"insecure = true", "conninfo =", "conninfo = db1",
		"conninfo = DBNAME=x", "conninfo = dbname='x",
		"conninfo = dbname='x'y", "conninfo = " X64 "=x", "place = x" };
	char text[512];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		(void)snprintf(text, sizeof(text), HEAD "%s\n", bad[i]);
		assert_refused(text, 3, "[cluster] ");
	}
}

static void
a_connection_string_is_refused_that_holds_a_password(void **unused)
{
	static const char *const bad[] = { "password=x", "host=db password = x",
		"host=db sslpassword='x'",
		"host=db  password=", "postgresql://jira_pat:x@db/jira_pat" };
	char text[512];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		(void)snprintf(
		    text, sizeof(text), "[cluster]\nconninfo = %s\n", bad[i]);
		assert_refused(text, 2, "passfile=");
	}
}

static void
a_connection_string_has_an_end(void **unused)
{
	struct jp_settings settings;
	struct jp_why why;
	char text[4096] = "[cluster]\n";

	(void)unused;
	/* With the blanks between them, 15 * 68 + 14 are 1034 bytes. */
	for (int i = 0; i < 15; i++)
		strcat(text, "conninfo = abc=" X64 "\n");
	assert_int_equal(load(text, &settings, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, "1023"));
	text[strlen(text) - 12] = '\0';
	strcat(text, "\n");
	load_good(text, &settings);
	assert_int_equal(strlen(settings.cluster.conninfo), 1023);
}

static void
words_are_those_that_libpq_reads(void **unused)
{
	static const struct {
		const char *text, *key, *value;
	} rows[] = {
		{ "host=db", "host", "db" },
		{ "  host =  db  ", "host", "db" },
		{ "host=a host=b", "host", "b" },
		{ "host='a b' sslmode=x", "sslmode", "x" },
		{ "host='a\\'b\\\\'", "host", "a'b\\" },
		{ "host=a\\ b", "host", "a b" },
		{ "host=", "host", "" },
		{ "host='' x=y", "x", "y" },
		{ "x='host=a'", "host", NULL },
		{ "host", "host", NULL },
		{ "", "host", NULL },
	};
	struct jp_conninfo_word word;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool found = jp_conninfo_find(rows[i].text, rows[i].key, &word);

		assert_int_equal(found, rows[i].value != NULL);
		if (found)
			assert_string_equal(word.value, rows[i].value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_section_there_is_no_cluster),
		cmocka_unit_test(every_key_of_cluster_is_read),
		cmocka_unit_test(a_host_is_named_as_its_machine),
		cmocka_unit_test(a_database_has_to_be_named),
		cmocka_unit_test(bad_values_of_cluster_are_refused),
		cmocka_unit_test(
		    a_connection_string_is_refused_that_holds_a_password),
		cmocka_unit_test(a_connection_string_has_an_end),
		cmocka_unit_test(words_are_those_that_libpq_reads),
	};

	return cmocka_run_group_tests(
	    tests, settings_make_file, settings_remove_file);
}
