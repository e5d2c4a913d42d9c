/* Networks and literal addresses: common/base/net.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/net.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct jp_net
net_of(const char *text)
{
	struct jp_net net;
	struct jp_why why;

	assert_int_equal(jp_net_parse(text, &net, &why), JP_ERR_OK);
	return net;
}

static void
networks_print_in_their_usual_spelling(void **unused)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.7", "192.0.2.7/32" },
		{ "192.0.2.7/32", "192.0.2.7/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "128.0.0.0/1", "128.0.0.0/1" },
		{ "255.255.255.255", "255.255.255.255/32" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "2001:DB8:0:0::/32", "2001:db8::/32" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "::/0", "::/0" },
		{ "::", "::/128" },
		{ "::1", "::1/128" },
		{ "::1/128", "::1/128" },
		{ "fe80::/10", "fe80::/10" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
		{ "::ffff:192.0.2.7", "192.0.2.7/32" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::fffe:0:0/95", "::fffe:0:0/95" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_net net = net_of(rows[i].text);
		char text[JP_NET_TEXT_MAX];

		jp_net_format(&net, text);
		assert_string_equal(text, rows[i].printed);
	}
}

static void
every_prefix_length_comes_back(void **unused)
{
	struct jp_why why;

	(void)unused;
	for (unsigned int prefix = 0; prefix <= 128; prefix++) {
		struct jp_net net = { .prefix = (uint8_t)prefix }, again;
		char text[JP_NET_TEXT_MAX];

		for (unsigned int bit = 0; bit < prefix; bit++)
			net.address[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		jp_net_format(&net, text);
		assert_int_equal(jp_net_parse(text, &again, &why), JP_ERR_OK);
		assert_memory_equal(again.address, net.address, 16);
		assert_int_equal(again.prefix, prefix);
	}
}

static void
what_is_no_network_is_refused(void **unused)
{
	static const char *const rows[] = { "", "/", "/8", "192.0.2.0/",
		"192.0.2.0/33", "192.0.2.0/128", "10.0.0.0/08", "10.0.0.0/+8",
		"10.0.0.0/-8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8x",
		"10.0.0.0/0x8", "0.0.0.0/00", "192.0.2.0/24/24",
		"192.0.2.0/4294967320", "192.0.2.0/255.255.255.0", "192.0.2",
		"192.0.2.0.0", "192.0.2.256", "192.0.02.1", "0xc0.0.2.1",
		"3221225985", " 192.0.2.1", "192.0.2.1 ", "192.0.2.1\n",
		"2001:db8::/129", "2001:db8::/999", "2001:db8::/1000",
		"2001:db8::/", "2001:db8", "2001:db8:::1",
		"::1::", "fe80::1%eth0", "fe80::%1/64", "[::1]", "::1/128%lo",
		"localhost", "example.org", "example.org/24", "*", "any",
		"::ffff:192.0.2.0/24x",
		/* Parentheses: clang suspects a missing comma. */
		("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
		 "0000:0000:0000:0000:0000:0000/0") };
	struct jp_net net;
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		why.text[0] = '\0';
		assert_int_equal(
		    jp_net_parse(rows[i], &net, &why), JP_ERR_INVALID);
		assert_string_not_equal(why.text, "");
	}
}

static void
bits_behind_the_prefix_are_refused_and_the_network_is_named(void **unused)
{
	static const struct {
		const char *text, *right;
	} rows[] = {
		{ "192.0.2.1/24", "192.0.2.0/24" },
		{ "192.0.2.1/31", "192.0.2.0/31" },
		{ "192.0.2.1/0", "0.0.0.0/0" },
		{ "192.0.2.128/24", "192.0.2.0/24" },
		{ "2001:db8::1/64", "2001:db8::/64" },
		{ "2001:db8::1/127", "2001:db8::/127" },
		{ "::1/0", "::/0" },
		{ "::ffff:0:0/95", "::fffe:0:0/95" },
	};
	struct jp_net net;
	struct jp_why why;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
		    jp_net_parse(rows[i].text, &net, &why), JP_ERR_INVALID);
		assert_non_null(strstr(why.text, rows[i].right));
	}
}

static void
a_network_holds_its_addresses_and_no_neighbour(void **unused)
{
	static const struct {
		const char *net, *rhost;
		bool inside;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.8/29", "192.0.2.15", true },
		{ "192.0.2.8/29", "192.0.2.16", false },
		{ "192.0.2.8/29", "192.0.2.7", false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "0.0.0.0", true },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "0.0.0.0/0", "::", false },
		{ "2001:db8::/32", "2001:db8::", true },
		{ "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		    true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
		    false },
		{ "2001:db8::/32", "192.0.2.1", false },
		{ "::1", "::1", true },
		{ "::1", "127.0.0.1", false },
		{ "127.0.0.1", "::1", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_net net = net_of(rows[i].net);

		assert_int_equal(
		    jp_net_contains(&net, rows[i].rhost), rows[i].inside);
	}
}

static void
an_ipv4_address_and_its_mapped_spelling_are_one(void **unused)
{
	struct jp_net v4 = net_of("192.0.2.0/24");
	struct jp_net mapped = net_of("::ffff:192.0.2.0/120");

	(void)unused;
	assert_memory_equal(v4.address, mapped.address, 16);
	assert_int_equal(v4.prefix, mapped.prefix);
	assert_true(jp_net_contains(&v4, "::ffff:192.0.2.9"));
	assert_true(jp_net_contains(&v4, "::ffff:c000:209"));
	assert_false(jp_net_contains(&v4, "::192.0.2.9"));
	assert_false(jp_net_contains(&v4, "64:ff9b::192.0.2.9"));
}

/* There is one space, that of IPv6, and ::/0 is all of it. */
static void
the_network_of_length_0_holds_every_address(void **unused)
{
	static const char *const rows[] = { "::", "::1", "2001:db8::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "192.0.2.1",
		"0.0.0.0" };
	struct jp_net net = net_of("::/0");

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(jp_net_contains(&net, rows[i]));
}

static void
what_is_no_literal_address_lies_in_no_network(void **unused)
{
	static const char *const rows[] = { "", " ", "localhost", "a.example",
		"192.0.2", "192.0.2.1.", "192.0.2.1 ", " 192.0.2.1",
		"192.0.2.1:80", "192.0.2.1,192.0.2.2", "0192.0.2.1",
		"192.0.2.0/24", "fe80::1%eth0", "fe80::1%2", "[::1]", "::g",
		"unknown" };
	struct jp_net net = net_of("::/0");

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_false(jp_net_contains(&net, rows[i]));
		assert_false(jp_address_valid(rows[i]));
	}
}

static void
literal_addresses_are_valid(void **unused)
{
	static const char *const rows[] = { "0.0.0.0", "192.0.2.1", "::", "::1",
		"2001:DB8::1", "::ffff:192.0.2.1" };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(jp_address_valid(rows[i]));
}

static void
an_address_is_found_however_a_front_door_spells_it(void **unused)
{
	static const struct {
		const char *text, *address;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "192.0.2.7:51234", "192.0.2.7" },
		{ "192.0.2.7;51234", "192.0.2.7" },
		{ "[192.0.2.7]", "192.0.2.7" },
		{ "[192.0.2.7]:25", "192.0.2.7" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:db8::1:443", "2001:db8::1:443" }, /* that is one */
		{ "2001:db8::1;443", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:65535", "2001:db8::1" },
		{ "[2001:db8::1];443", "2001:db8::1" },
		{ "fe80::1%eth0", "fe80::1" },
		{ "fe80::1%eth0.100", "fe80::1" },
		{ "[fe80::1%2]:443", "fe80::1" },
		{ "fe80::1%eth0;443", "fe80::1" },
		{ "::ffff:192.0.2.7", "::ffff:192.0.2.7" },
		{ "[::ffff:192.0.2.7]:443", "::ffff:192.0.2.7" },
	};
	char rhost[65];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(jp_rhost_read(rows[i].text, rhost, sizeof(rhost)));
		assert_string_equal(rhost, rows[i].address);
		assert_string_equal(jp_rhost_note(rhost), "");
	}
}

static void
what_is_no_address_stays_and_lies_in_no_network(void **unused)
{
	static const char *const rows[] = { "localhost", "web01.example.org",
		"192.0.2.7.example.org", "192.0.2.7:", "192.0.2.7:65536",
		"192.0.2.7:80x", "192.0.2.7:-1", "192.0.2.7:000080",
		"192.0.2.7%eth0", "192.0.2", "192.0.2.007", " 192.0.2.7",
		"192.0.2.7 ", "192.0.2.7, 10.0.0.1", "192.0.2.7:80:80",
		"[192.0.2.7", "192.0.2.7]", "[]", "[]:80", "[::1", "::1]",
		"[::1]80", "[::1]:", "[::1]]", "[[::1]]", "fe80::1%",
		"fe80::1%eth0:22", "fe80::1%%eth0", "fe80::1%e/0", ":80", ";80",
		"%eth0", "2001:db8:0:0:0:0:0:1:443", "a.b:80", "1:2", "::1/128",
		"192.0.2.0/24" };
	struct jp_net all = net_of("::/0");
	char rhost[65];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_false(jp_rhost_read(rows[i], rhost, sizeof(rhost)));
		assert_string_equal(rhost, rows[i]);
		assert_false(jp_net_contains(&all, rhost));
		assert_non_null(strstr(jp_rhost_note(rhost), "not an address"));
	}
	assert_false(jp_rhost_read("", rhost, sizeof(rhost)));
	assert_string_equal(jp_rhost_note(rhost), "");
}

/* No cut makes an address of what is none: addresses are shorter. */
static void
what_is_cut_is_no_address(void **unused)
{
	char text[200], rhost[65];

	(void)unused;
	memset(text, '1', sizeof(text));
	memcpy(text, "192.0.2.7", 9);
	for (size_t len = 12; len < sizeof(text); len++) {
		text[len] = '\0';
		assert_false(jp_rhost_read(text, rhost, sizeof(rhost)));
		assert_true(strlen(rhost) <= 64 && !jp_address_valid(rhost));
		text[len] = '1';
	}
}

static void
a_network_lies_in_what_holds_all_of_it(void **unused)
{
	static const struct {
		const char *outer, *inner;
		bool within;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "192.0.2.128/25", true },
		{ "192.0.2.0/24", "192.0.2.7", true },
		{ "192.0.2.0/24", "192.0.2.0/23", false },
		{ "192.0.2.0/24", "192.0.3.0/24", false },
		{ "192.0.2.0/24", "0.0.0.0/0", false },
		{ "192.0.2.7", "192.0.2.8", false },
		{ "0.0.0.0/0", "192.0.2.0/24", true },
		{ "0.0.0.0/0", "2001:db8::/32", false },
		{ "::/0", "192.0.2.0/24", true },
		{ "2001:db8::/32", "2001:db8:7::/48", true },
		{ "2001:db8::/32", "2001:db9::/48", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_net outer = net_of(rows[i].outer);
		struct jp_net inner = net_of(rows[i].inner);

		assert_int_equal(jp_net_within(&outer, &inner), rows[i].within);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_print_in_their_usual_spelling),
		cmocka_unit_test(every_prefix_length_comes_back),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(
		    bits_behind_the_prefix_are_refused_and_the_network_is_named),
		cmocka_unit_test(
		    a_network_holds_its_addresses_and_no_neighbour),
		cmocka_unit_test(
		    an_ipv4_address_and_its_mapped_spelling_are_one),
		cmocka_unit_test(the_network_of_length_0_holds_every_address),
		cmocka_unit_test(what_is_no_literal_address_lies_in_no_network),
		cmocka_unit_test(literal_addresses_are_valid),
		cmocka_unit_test(
		    an_address_is_found_however_a_front_door_spells_it),
		cmocka_unit_test(
		    what_is_no_address_stays_and_lies_in_no_network),
		cmocka_unit_test(what_is_cut_is_no_address),
		cmocka_unit_test(a_network_lies_in_what_holds_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
