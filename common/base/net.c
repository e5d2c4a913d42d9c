#include "common/base/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAPPED_BITS = 96, /* of ::ffff:0:0/96, in front of an IPv4 address */
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Reads a literal address; `bits` gets the length of its own kind. */
static bool
read_address(const char *text, uint8_t address[16], unsigned int *bits)
{
	if (inet_pton(AF_INET, text, address + sizeof(mapped)) == 1) {
		memcpy(address, mapped, sizeof(mapped));
		*bits = 32;
		return true;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, address) == 1;
}

/* 1 to 3 decimal digits, no sign, no leading zero. */
static bool
read_prefix(const char *text, unsigned int max, unsigned int *prefix)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 3 || text[len] != '\0' ||
	    (text[0] == '0' && len > 1))
		return false;
	*prefix = (unsigned int)strtoul(text, NULL, 10);
	return *prefix <= max;
}

/* The mask of byte `i` under a prefix of `prefix` bits. */
static uint8_t
mask_byte(size_t i, unsigned int prefix)
{
	if (prefix >= 8 * (i + 1))
		return 0xff;
	if (prefix <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - prefix));
}

static bool
drop_host_bits(struct jp_net *net)
{
	bool dropped = false;

	for (size_t i = 0; i < sizeof(net->address); i++) {
		uint8_t kept = net->address[i] & mask_byte(i, net->prefix);

		dropped = dropped || kept != net->address[i];
		net->address[i] = kept;
	}
	return dropped;
}

enum jp_err
jp_net_parse(const char *text, struct jp_net *net, struct jp_why *why)
{
	char address[JP_NET_TEXT_MAX], right[JP_NET_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned int bits, prefix;

	if (len < sizeof(address)) {
		memcpy(address, text, len);
		address[len] = '\0';
	}
	if (len >= sizeof(address) ||
	    !read_address(address, net->address, &bits))
		return jp_why(why, JP_ERR_INVALID,
		    "\"%.64s\" is not a network: expected one like "
		    "192.0.2.0/24, "
		    "2001:db8::/32 or a single address",
		    text);
	prefix = bits;
	if (slash != NULL && !read_prefix(slash + 1, bits, &prefix))
		return jp_why(why, JP_ERR_INVALID,
		    "\"%.64s\": the prefix length must be 0 to %u", text, bits);
	net->prefix = (uint8_t)(bits == 32 ? MAPPED_BITS + prefix : prefix);
	if (drop_host_bits(net)) {
		jp_net_format(net, right);
		return jp_why(why, JP_ERR_INVALID,
		    "\"%.64s\" has bits behind its prefix: the network is %s",
		    text, right);
	}
	return JP_ERR_OK;
}

void
jp_net_format(const struct jp_net *net, char text[JP_NET_TEXT_MAX])
{
	bool v4 = net->prefix >= MAPPED_BITS &&
	          memcmp(net->address, mapped, sizeof(mapped)) == 0;
	unsigned int prefix = net->prefix;
	char address[INET6_ADDRSTRLEN];

	if (v4) {
		prefix -= MAPPED_BITS;
		inet_ntop(AF_INET, net->address + sizeof(mapped), address,
		    sizeof(address));
	} else {
		inet_ntop(AF_INET6, net->address, address, sizeof(address));
	}
	snprintf(text, JP_NET_TEXT_MAX, "%s/%u", address, prefix);
}

static bool
holds(const struct jp_net *net, const uint8_t address[16])
{
	for (size_t i = 0; i < 16; i++)
		if ((address[i] & mask_byte(i, net->prefix)) != net->address[i])
			return false;
	return true;
}

bool
jp_net_contains(const struct jp_net *net, const char *rhost)
{
	uint8_t address[16];
	unsigned int bits;

	return read_address(rhost, address, &bits) && holds(net, address);
}

bool
jp_net_within(const struct jp_net *outer, const struct jp_net *inner)
{
	return outer->prefix <= inner->prefix && holds(outer, inner->address);
}

bool
jp_address_valid(const char *rhost)
{
	uint8_t address[16];
	unsigned int bits;

	return read_address(rhost, address, &bits);
}

/* A port, at the end of the text. */
static bool
is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= 5 && text[len] == '\0' &&
	       strtoul(text, NULL, 10) <= UINT16_MAX;
}

/* What may stand behind an address that ends at `at`. */
static bool
is_rest(const char *at, bool port)
{
	if (*at == '\0')
		return true;
	return (*at == ';' || (port && *at == ':')) && is_port(at + 1);
}

/* The bytes of the zone that begins at `text`, with its '%'; 0: none. */
static size_t
zone_len(const char *text)
{
	size_t len = *text != '%' ? 0
	                          : strspn(text + 1,
	                                "0123456789abcdefghijklmnopqrstuvwxyz"
	                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return len > 0 ? len + 1 : 0;
}

static bool
take_address(const char *from, size_t len, char address[INET6_ADDRSTRLEN])
{
	if (len >= INET6_ADDRSTRLEN)
		return false;
	memcpy(address, from, len);
	address[len] = '\0';
	return jp_address_valid(address);
}

/*
 * The address in `text`, if there is just that and what belongs to it. IPv6
 * takes a ":443" only behind brackets: else it may be a part of the address.
 */
static bool
find_address(const char *text, char address[INET6_ADDRSTRLEN])
{
	bool brackets = text[0] == '[', v4;
	const char *from = text + brackets, *rest;

	if (!take_address(
	        from, strspn(from, "0123456789abcdefABCDEF.:"), address) &&
	    (brackets || !take_address(from, strcspn(from, ":"), address)))
		return false;
	v4 = strchr(address, ':') == NULL;
	rest = from + strlen(address);
	if (!v4)
		rest += zone_len(rest);
	if (brackets && *rest++ != ']')
		return false;
	return is_rest(rest, brackets || v4);
}

bool
jp_rhost_read(const char *text, char *rhost, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	bool bare = jp_address_valid(text); /* as most are */
	bool found = bare || (text[0] != '\0' && find_address(text, address));

	(void)snprintf(rhost, size, "%s", found && !bare ? address : text);
	return found;
}

const char *
jp_rhost_note(const char *rhost)
{
	return rhost[0] == '\0' || jp_address_valid(rhost)
	           ? ""
	           : " (not an address: not used)";
}
