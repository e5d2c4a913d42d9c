/*
 * Networks that a token may come from, and literal addresses. Everything is
 * kept as IPv6; IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), so that an IPv4
 * address and its mapped spelling are one. Names are never resolved.
 */
#ifndef JP_NET_H
#define JP_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define JP_NET_TEXT_MAX 64 /* bytes of a printed network, with its NUL */

struct jp_net {
	uint8_t address[16];
	uint8_t prefix; /* bits, 0 to 128, in the IPv6 space */
};

/*
 * Reads "192.0.2.0/24", "2001:db8::/32" or a single address. JP_ERR_INVALID
 * for anything else, also where host bits are set; `why` says what is
 * wrong.
 */
enum jp_err
jp_net_parse(const char *text, struct jp_net *net, struct jp_why *why);

/* Prints the usual spelling. */
void jp_net_format(const struct jp_net *net, char text[JP_NET_TEXT_MAX]);

/* Whether the literal address `rhost` lies in `net`; a name lies in none. */
bool jp_net_contains(const struct jp_net *net, const char *rhost);

/* Whether all of `inner` lies in `outer`. */
bool jp_net_within(const struct jp_net *outer, const struct jp_net *inner);

/* Whether `rhost` is a literal IPv4 or IPv6 address. */
bool jp_address_valid(const char *rhost);

/*
 * Reads where a request comes from, as front doors spell it, into a field of
 * `size` bytes: a literal address, also in brackets (RFC 3986 §3.2.2), with a
 * port behind it (":443", Cyrus SASL: ";443") or a zone (RFC 4007 §11), becomes
 * that address alone. Anything else, such as a name, stays what it is, cut, to
 * be logged, and false is returned: it is no address, and lies in no network.
 */
bool jp_rhost_read(const char *text, char *rhost, size_t size);

/* For a log line behind `rhost`: why it was not used, or "". */
const char *jp_rhost_note(const char *rhost);

#endif
