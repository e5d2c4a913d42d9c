/* What pat-clusterd takes as the way to the database:
 * pat_clusterd/pq_conninfo.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pat_clusterd/pq_conninfo.h"

static const char *
value_of(const struct conninfo_params *params, const char *key)
{
	for (size_t i = 0; params->keys[i] != NULL; i++)
		if (strcmp(params->keys[i], key) == 0)
			return params->values[i];
	return NULL;
}

/* Each is refused, and the line says so. */
static void
what_is_unsafe_or_wrong_is_refused_and_no_secret_repeated(void **unused)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "host=db password=hunter2", "must not have password" },
		{ "postgresql://u:hunter2@localhost/d",
		    "must not have password" },
		{ "host=localhost sslpassword=hunter2",
		    "must not have sslpassword" },
		{ "service=jira", "must not have service" },
		{ "host=localhost colour=red", "colour" },
		{ "host=localhost password=a hunter2", "libpq cannot read" },
		{ "postgresql://u:hunter2@[x/d", "libpq cannot read it" },
		{ "host=localhost,localhost port=1,2,3", "different numbers" },
		{ "host=a,b hostaddr=127.0.0.1", "different numbers" },
		{ "host=db1", "\"db1\" is another machine" },
		{ "host=localhost,db2", "\"db2\" is another machine" },
		{ "host=db sslmode=require", "sslmode=verify-full" },
		{ "host=db sslmode=verify-ca", "sslmode=verify-full" },
		{ "host=localhost hostaddr=192.0.2.1", "\"192.0.2.1\" is" },
		{ "host=127.0.0.1.example", "another machine" },
		{ "host=l,l,l,l,l,l,l,l,l,l,l,l,l,l,l,l,l", "16 hosts" },
	};
	struct conninfo info;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jp_why why = { .text = "" };

		assert_int_equal(
		    conninfo_read(&info, cases[i].text, false, &why),
		    JP_ERR_CONFIG);
		if (strstr(why.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, why.text);
		assert_null(strstr(why.text, "hunter2"));
		conninfo_free(&info);
	}
}

static void
servers_of_this_machine_need_no_encryption(void **unused)
{
	static const char *const cases[] = {
		"",
		"dbname=jira_pat",
		"host=/run/postgresql",
		"host=@abstract",
		"host=localhost",
		"host=127.0.0.1",
		"host=127.9.9.9",
		"host=::1",
		"host=db1 hostaddr=127.0.0.1",
		"host=db1,db2 sslmode=verify-full",
		"host=localhost passfile=/etc/jira-pat/pgpass",
	};
	struct conninfo info;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jp_why why = { .text = "" };

		if (conninfo_read(&info, cases[i], false, &why) != JP_ERR_OK)
			fail_msg("%s: %s", cases[i], why.text);
		conninfo_free(&info);
	}
}

static void
the_address_counts_and_insecure_takes_all(void **unused)
{
	struct conninfo info;
	struct jp_why why = { .text = "" };

	(void)unused;
	assert_int_equal(
	    conninfo_read(&info, "host=db", true, &why), JP_ERR_OK);
	assert_true(conninfo_takes(&info, "192.0.2.1"));
	conninfo_free(&info);
	assert_int_equal(
	    conninfo_read(&info, "host=localhost", false, &why), JP_ERR_OK);
	assert_true(conninfo_takes(&info, "127.0.0.1"));
	assert_true(conninfo_takes(&info, "::1"));
	assert_true(conninfo_takes(&info, ""));
	assert_false(conninfo_takes(&info, "192.0.2.1"));
	conninfo_free(&info);
	assert_int_equal(
	    conninfo_read(&info, "host=db sslmode=verify-full", false, &why),
	    JP_ERR_OK);
	assert_true(conninfo_takes(&info, "192.0.2.1"));
	conninfo_free(&info);
}

static void
each_server_has_its_host_and_port_and_what_is_usual(void **unused)
{
	struct conninfo info;
	struct conninfo_params params;

	(void)unused;
	assert_int_equal(
	    conninfo_read(&info,
	        "host=db1,db2,/run port=1,,3 dbname=d user=u "
	        "sslmode=verify-full keepalives_idle=99 connect_timeout=7",
	        false, NULL),
	    JP_ERR_OK);
	assert_int_equal(info.server_len, 3);
	assert_int_equal(info.patience_ms, 7000);
	conninfo_params(&info, 1, "pat-clusterd proxy1", &params);
	assert_string_equal(value_of(&params, "host"), "db2");
	assert_string_equal(value_of(&params, "port"), "");
	assert_string_equal(value_of(&params, "dbname"), "d");
	assert_string_equal(value_of(&params, "gssencmode"), "disable");
	assert_string_equal(value_of(&params, "keepalives_idle"), "99");
	assert_string_equal(
	    value_of(&params, "application_name"), "pat-clusterd proxy1");
	conninfo_params(&info, 2, "x", &params);
	assert_string_equal(value_of(&params, "host"), "/run");
	assert_string_equal(value_of(&params, "port"), "3");
	conninfo_free(&info);

	assert_int_equal(
	    conninfo_read(&info, "host=::1,127.0.0.1 port=5", false, NULL),
	    JP_ERR_OK);
	assert_int_equal(info.patience_ms, 5000);
	assert_string_equal(info.servers[1].port, "5");
	conninfo_free(&info);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_unsafe_or_wrong_is_refused_and_no_secret_repeated),
		cmocka_unit_test(servers_of_this_machine_need_no_encryption),
		cmocka_unit_test(the_address_counts_and_insecure_takes_all),
		cmocka_unit_test(
		    each_server_has_its_host_and_port_and_what_is_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
