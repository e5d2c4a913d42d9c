/* The keys of [self_service], as struct jp_self_settings has them. */
#include <string.h>

#include "common/config/keys.h"
#include "common/config/readers.h"
#include "common/sys/time_text.h"

#define SEPARATORS " \t,"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* RFC 3986 section 2: what may stand in an address; no quote of any kind. */
#define URL_BYTES LETTERS DIGITS "-._~:/?#[]@!$&()*+,;=%"
#define HOST_BYTES LETTERS DIGITS "-._:[]"

static const char https[] = "https://";

static enum jp_err
read_users(void *at, const char *text, int64_t min, int64_t max)
{
	static const char *const names[] = {
#define NAME(code, name) name,
		JP_SELF_USERS_LIST(NAME)
#undef NAME
	};
	const size_t len = sizeof(names) / sizeof(names[0]);
	size_t place = jp_find_word(text, names, len);

	(void)min;
	(void)max;
	if (place == len)
		return JP_ERR_INVALID;
	*(enum jp_self_users *)at = (enum jp_self_users)place;
	return JP_ERR_OK;
}

/* One group of users, perhaps in quotes. */
static enum jp_err
read_group(void *at, const char *text, int64_t min, int64_t max)
{
	struct jp_why ignored;
	char group[JP_GROUP_MAX + 1];

	(void)min;
	if (jp_group_next(&text, SEPARATORS, group, &ignored) != JP_ERR_OK ||
	    group[0] == '\0' || text[strspn(text, SEPARATORS)] != '\0')
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, group);
}

/* What is behind the host of an https address; NULL: it is none. */
static const char *
path_of(const char *text)
{
	const char *host = text + strlen(https);
	size_t len;

	if (strncmp(text, https, strlen(https)) != 0)
		return NULL;
	len = strspn(host, HOST_BYTES);
	return len > 0 && strchr("/?", host[len]) != NULL ? host + len : NULL;
}

/*
 * Where a browser is sent: never to a script, to plain HTTP, or, as by
 * "//host", to another host without saying so.
 */
static enum jp_err
read_link(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	if (text[strspn(text, URL_BYTES)] != '\0' ||
	    ((text[0] != '/' || text[1] == '/') && path_of(text) == NULL))
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* Something is put behind it; "": the host alone. */
static bool
path_is_base(const char *path)
{
	return path[0] == '\0' ||
	       (path[0] == '/' && path[strlen(path) - 1] != '/' &&
	           strpbrk(path, "?#") == NULL && jp_path_plain(path));
}

static enum jp_err
read_base(void *at, const char *text, int64_t min, int64_t max)
{
	const char *path = path_of(text);

	(void)min;
	if (path == NULL || text[strspn(text, URL_BYTES)] != '\0' ||
	    !path_is_base(path))
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

static enum jp_err
read_url(void *at, const char *text, int64_t min, int64_t max)
{
	const char *path = path_of(text);

	if (path == NULL || path[0] == '\0')
		return JP_ERR_INVALID;
	return read_base(at, text, min, max);
}

/* It is shown in examples for a shell, without quotes. */
static enum jp_err
read_api(void *at, const char *text, int64_t min, int64_t max)
{
	if (text[strspn(text, LETTERS DIGITS "-._~:/%")] != '\0')
		return JP_ERR_INVALID;
	return read_base(at, text, min, max);
}

/* As in the path /auth/SERVICE. */
static bool
service_valid(const char *text, size_t len)
{
	return len <= JP_SERVICE_MAX &&
	       strspn(text, LETTERS DIGITS "._-") >= len;
}

/* Names between spaces or commas, each once. */
static enum jp_err
read_services(void *at, const char *text, int64_t min, int64_t max)
{
	struct jp_self_settings *self = at;

	(void)min;
	self->service_len = 0;
	for (text += strspn(text, SEPARATORS); *text != '\0';
	     text += strspn(text, SEPARATORS)) {
		size_t len = strcspn(text, SEPARATORS);
		char *service = self->services[self->service_len];

		if (self->service_len == (size_t)max ||
		    !service_valid(text, len))
			return JP_ERR_INVALID;
		memcpy(service, text, len);
		service[len] = '\0';
		for (size_t i = 0; i < self->service_len; i++)
			if (strcmp(self->services[i], service) == 0)
				return JP_ERR_EXISTS;
		self->service_len++;
		text += len;
	}
	return self->service_len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

static enum jp_err
read_link_lifetime(void *at, const char *text, int64_t min, int64_t max)
{
	enum jp_err err = jp_read_lifetime(at, text, min, max);
	int64_t seconds = *(int64_t *)at;

	if (err == JP_ERR_OK && (seconds < min || seconds > max))
		return JP_ERR_INVALID;
	return err;
}

/* "0" is no age at all: whoever writes it wants the opposite of never. */
static enum jp_err
read_auth_age(void *at, const char *text, int64_t min, int64_t max)
{
	return strcmp(text, "0") == 0 ? JP_ERR_INVALID
	                              : jp_read_lifetime(at, text, min, max);
}

#define AT(member) offsetof(struct jp_settings, self.member)
#define A_LINK                                                                 \
	"/path or https://host/path of at most 160 bytes, without quotes and " \
	"blanks"

static const struct jp_key keys[] = {
	{ "self_service", "trusted_peers", AT(trusted_peers), jp_read_accounts,
	    1, JP_ACCOUNT_MAX, "1 to 32 local accounts", false },
	{ "self_service", "user_header", AT(user_header), jp_read_header, 1,
	    JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "self_service", "users", AT(users), read_users, 0, 0, "all or known",
	    false },
	{ "self_service", "admin_group", AT(admin_group), read_group, 1,
	    JP_GROUP_MAX,
	    "one group of at most 64 bytes; one with spaces stands in quotes",
	    false },
	{ "self_service", "max_auth_age", AT(max_auth_age), read_auth_age, 0, 0,
	    "a duration such as 15m, or never", false },
	{ "self_service", "auth_time_header", AT(auth_time_header),
	    jp_read_header, 1, JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "self_service", "login_url", AT(login_url), read_link, 1, JP_URL_MAX,
	    A_LINK, false },
	{ "self_service", "logout_url", AT(logout_url), read_link, 1,
	    JP_URL_MAX, A_LINK, false },
	{ "self_service", "url", AT(url), read_url, 1, JP_URL_MAX,
	    "https://host/path of at most 160 bytes, without a / at its end",
	    false },
	{ "self_service", "api_url", AT(api_url), read_api, 1, JP_URL_MAX,
	    "https://host or https://host/path of at most 160 bytes, of "
	    "letters, digits and \"-._~:/%\", without a / at its end",
	    false },
	{ "self_service", "services", offsetof(struct jp_settings, self),
	    read_services, 1, JP_SERVICES_MAX,
	    "1 to 16 names of at most 64 letters, digits, \".\", \"_\" and "
	    "\"-\", each once",
	    false },
	{ "self_service", "link_lifetime", AT(link_lifetime),
	    read_link_lifetime, JP_LINK_LIFETIME_MIN, JP_LINK_LIFETIME_MAX,
	    "a duration from 1m to 30d", false },
	{ "self_service", "rest", AT(rest), jp_read_yes_no, 0, 0, "yes or no",
	    false },
};

const struct jp_key_table jp_self_keys = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};
