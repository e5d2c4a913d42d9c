/*
 * Front doors that ask PAM, besides Apache and nginx: what their files say,
 * line by line, and the traps that follow from it. All of it is in three
 * tables: where a door's files are, which words in a line mean what, and what
 * with and without that is a trap. Only doors whose service takes tokens are
 * judged.
 */
#include "tools/doctor/servers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/pam_services.h"
#include "tools/doctor/traps.h"

/* What a configuration says of its door; bits. */
enum mark {
	ASKS = 1,        /* it asks PAM, whatever the service files say */
	CACHES = 2,      /* answers are kept */
	CACHES_PAM = 4,  /* Dovecot 2.3: those of PAM, too */
	FRESH = 8,       /* none is kept, or not for long */
	GUESTS = 16,     /* users need no line in /etc/passwd */
	KEEPS_CASE = 32, /* of user names */
	NAMES = 64,      /* the client's name goes to PAM, not its address */
	NO_KEYS = 128,   /* nobody logs in without asking PAM for a password */
	NEW = 256,       /* a version whose syntax or habits differ */
	OLD_SYNTAX = 512,
	EXEMPT = 1024, /* who logs in badly is not locked out */
	ONLY = 2048,   /* the service's account stack has tokens alone */
	FOLDS = 4096,  /* user names to lower case, because it is configured */
	CONFINED = 8192,  /* by a profile of AppArmor */
	LETS = 16384,     /* which lets it ask patd */
	ENDLESS = 32768,  /* a request with a right token never ends */
	ONCE = 65536,     /* PAM is asked at the first login alone */
	SESSION = 131072, /* the service has a line for sessions */
	TURNS = 262144,   /* a token that lacks a right into a wrong one */
};

enum {
	FILES_MAX = 4,
	WORDS_MAX = 16, /* of a line that are looked at */
	SERVICES_MAX = 8,
};

/* X(DOOR, its name, the service it asks unless a file says so, files...) */
#define DOOR_LIST(X)                                                           \
	X(COCKPIT, "cockpit", "cockpit", NULL)                                 \
	X(CUPS, "cups", "cups", "/etc/apparmor.d/usr.sbin.cupsd",              \
	    "/etc/apparmor.d/local/usr.sbin.cupsd")                            \
	X(DOVECOT, "dovecot", "dovecot", "/etc/dovecot/*.conf",                \
	    "/etc/dovecot/conf.d/*")                                           \
	X(EXIM, "exim", "exim", "/etc/pam.d/exim")                             \
	X(LIGHTTPD, "lighttpd", "http", "/etc/lighttpd/*.conf",                \
	    "/etc/lighttpd/conf-enabled/*")                                    \
	X(LOGIN, "login", "login", NULL)                                       \
	X(MARIADB, "mariadb", "mysql", NULL)                                   \
	X(OPENVPN, "openvpn", "openvpn", "/etc/openvpn/*.conf",                \
	    "/etc/openvpn/server/*.conf")                                      \
	X(POSTGRESQL, "postgresql", "postgresql",                              \
	    "/etc/postgresql/*/*/pg_hba.conf",                                 \
	    "/var/lib/pgsql/data/pg_hba.conf")                                 \
	X(PROFTPD, "proftpd", "proftpd", "/etc/proftpd/*.conf",                \
	    "/etc/proftpd/conf.d/*")                                           \
	X(PURE_FTPD, "pure-ftpd", "pure-ftpd", NULL)                           \
	X(RADIUS, "freeradius", "radiusd", "/etc/freeradius/*/mods-enabled/*", \
	    "/etc/raddb/mods-enabled/*")                                       \
	X(SQUID, "squid", "squid", "/etc/squid/*.conf", "/etc/squid/conf.d/*") \
	X(SSHD, "sshd", "sshd", "/etc/ssh/sshd_config",                        \
	    "/etc/ssh/sshd_config.d/*.conf")                                   \
	X(SU, "su", "su", NULL)                                                \
	X(SUDO, "sudo", "sudo", "/etc/sudoers", "/etc/sudoers.d/*")            \
	X(VSFTPD, "vsftpd", "vsftpd", "/etc/vsftpd.conf", "/etc/vsftpd/*.conf")

enum door {
#define DOOR_ENUM(code, name, service, ...) code,
	DOOR_LIST(DOOR_ENUM)
#undef DOOR_ENUM
	    DOOR_COUNT
};

static const struct {
	const char *name;
	const char *service; /* unless a file says another one */
	const char *files[FILES_MAX];
} doors[DOOR_COUNT] = {
#define DOOR_ROW(code, name, service, ...)                                     \
	[code] = { name, service, { __VA_ARGS__ } },
	DOOR_LIST(DOOR_ROW)
#undef DOOR_ROW
};

/*
 * Words that stand in one line in this order, others between them; of a path
 * the last part. `#` stands for a number below 100, and `$` for the service:
 * the line's last word or, behind other words, the next one.
 */
static const struct {
	enum door door;
	const char *words;
	unsigned int marks;
} phrases[] = {
	{ CUPS, "cupsd", CONFINED },
	{ CUPS, "verify.sock rw", LETS },
	{ DOVECOT, "driver pam", ASKS },
	{ DOVECOT, "passdb pam", ASKS },
	{ DOVECOT, "service_name $", 0 },
	{ DOVECOT, "args cache_key", CACHES_PAM },
	{ DOVECOT, "auth_cache_size 0", FRESH },
	{ DOVECOT, "auth_cache_size", CACHES },
	{ DOVECOT, "use_cache no", FRESH },
	{ DOVECOT, "auth_username_format %u", KEEPS_CASE },
	{ DOVECOT, "auth_username_format % user", KEEPS_CASE },
	{ DOVECOT, "auth_username_format lower", FOLDS },
	{ DOVECOT, "dovecot_config_version", NEW },
	{ DOVECOT, "auth_username_format %Lu", OLD_SYNTAX },
	{ DOVECOT, "auth_username_format %u", OLD_SYNTAX },
	{ EXIM, "perm_denied ignore pam_jira_pat.so", TURNS },
	{ LIGHTTPD, "auth.backend pam", ASKS },
	{ LIGHTTPD, "auth.backend.pam.opts service $", 0 },
	{ LIGHTTPD, "auth.cache", CACHES },
	{ OPENVPN, "auth-gen-token", ONCE },
	{ OPENVPN, "plugin openvpn-plugin-auth-pam.so $", ASKS },
	{ OPENVPN, "reneg-sec 0", CACHES },
	{ OPENVPN, "reneg-sec", FRESH },
	{ POSTGRESQL, "host pam", ASKS },
	{ POSTGRESQL, "hostgssenc pam", ASKS },
	{ POSTGRESQL, "hostnogssenc pam", ASKS },
	{ POSTGRESQL, "hostnossl pam", ASKS },
	{ POSTGRESQL, "hostssl pam", ASKS },
	{ POSTGRESQL, "local pam", ASKS },
	{ POSTGRESQL, "pamservice $", ASKS },
	{ POSTGRESQL, "pam_use_hostname 1", NAMES },
	{ PROFTPD, "AuthPAMConfig $", ASKS },
	{ PROFTPD, "UseReverseDNS on", NAMES },
	{ PROFTPD, "AuthUserFile", GUESTS },
	{ RADIUS, "pam_auth $", ASKS },
	{ SQUID, "auth_param basic program basic_pam_auth", ASKS },
	{ SQUID, "auth_param basic program basic_pam_auth -n $", 0 },
	{ SQUID, "auth_param basic credentialsttl 0", ENDLESS },
	{ SQUID, "auth_param basic credentialsttl # second", FRESH },
	{ SQUID, "auth_param basic credentialsttl # seconds", FRESH },
	{ SQUID, "auth_param basic casesensitive on", KEEPS_CASE },
	{ SSHD, "UseDNS yes", NAMES },
	{ SSHD, "PubkeyAuthentication no", NO_KEYS },
	{ SSHD, "PerSourcePenaltyExemptList", EXEMPT },
	{ SSHD, "PerSourcePenalties no", EXEMPT },
	{ SUDO, "Defaults timestamp_timeout 0", FRESH },
	{ VSFTPD, "pam_service_name $", ASKS },
	{ VSFTPD, "guest_enable yes", GUESTS },
};

/* Files whose presence says something, too. */
static const struct {
	enum door door;
	const char *path;
	unsigned int marks;
} signs[] = {
	{ CUPS, "/etc/apparmor.d/disable/usr.sbin.cupsd", LETS },
	{ SSHD, "/usr/lib/openssh/sshd-session", NEW },
};

/* With all of these marks and none of those, the door has the trap. */
static const struct {
	enum door door;
	enum trap trap;
	unsigned int with, without;
} dangers[] = {
	{ COCKPIT, TRAP_DOOR_LOCAL, 0, 0 },
	{ CUPS, TRAP_CUPS_APPARMOR, CONFINED, LETS },
	{ CUPS, TRAP_DOOR_ADDRESS, 0, 0 },
	{ DOVECOT, TRAP_DOVECOT_CACHE, CACHES | CACHES_PAM, FRESH },
	{ DOVECOT, TRAP_DOVECOT_CACHE, CACHES | NEW, FRESH },
	{ DOVECOT, TRAP_DOVECOT_SYNTAX, NEW | OLD_SYNTAX, 0 },
	{ DOVECOT, TRAP_DOOR_CASE, 0, KEEPS_CASE },
	{ DOVECOT, TRAP_DOOR_CASE, FOLDS, 0 },
	{ EXIM, TRAP_DOOR_ADDRESS, 0, 0 },
	{ EXIM, TRAP_EXIM_DENIED, 0, TURNS },
	{ LIGHTTPD, TRAP_LIGHTTPD_CACHE, CACHES, 0 },
	{ LOGIN, TRAP_DOOR_ADDRESS, 0, 0 },
	{ MARIADB, TRAP_DOOR_ADDRESS, 0, 0 },
	{ OPENVPN, TRAP_OPENVPN_ONCE, ONCE, 0 },
	{ OPENVPN, TRAP_OPENVPN_RENEG, CACHES, 0 },
	{ OPENVPN, TRAP_OPENVPN_RENEG, 0, CACHES | FRESH },
	{ POSTGRESQL, TRAP_DOOR_ADDRESS, NAMES, 0 },
	{ PROFTPD, TRAP_DOOR_ADDRESS, NAMES, 0 },
	{ PROFTPD, TRAP_DOOR_SESSION, 0, SESSION },
	{ PURE_FTPD, TRAP_DOOR_ADDRESS, 0, 0 },
	{ PURE_FTPD, TRAP_DOOR_LOCAL, 0, 0 },
	{ RADIUS, TRAP_DOOR_ADDRESS, 0, 0 },
	{ SQUID, TRAP_DOOR_ADDRESS, 0, 0 },
	{ SQUID, TRAP_DOOR_CASE, 0, KEEPS_CASE },
	{ SQUID, TRAP_SQUID_CACHE, 0, FRESH },
	{ SQUID, TRAP_SQUID_ZERO, ENDLESS, 0 },
	{ SSHD, TRAP_DOOR_ADDRESS, NAMES, 0 },
	{ SSHD, TRAP_DOOR_LOCAL, 0, 0 },
	{ SSHD, TRAP_DOOR_ACCOUNT, ONLY, NO_KEYS },
	{ SSHD, TRAP_SSHD_PENALTIES, NEW, EXEMPT },
	{ SU, TRAP_DOOR_ADDRESS, 0, 0 },
	{ SUDO, TRAP_DOOR_ACCOUNT, ONLY, 0 },
	{ SUDO, TRAP_SUDO_CACHE, 0, FRESH },
	{ VSFTPD, TRAP_DOOR_LOCAL, 0, GUESTS },
};

/* A service of PAM, and where a door's file names it; file "": nowhere. */
struct named {
	char service[JP_SERVICE_MAX + 1];
	char file[JP_PATH_MAX + 1];
	unsigned int line;
};

/* What the files of one door said. */
struct reading {
	struct config_scan *scan;
	enum door door;
	unsigned int marks;
	struct named named[SERVICES_MAX];
	size_t named_len;
	struct named unnamed; /* where it is said that the door asks PAM */
};

/* ---- Lines ---- */

/* The words of `line`, which is written into. */
static size_t
split_line(char *line, char *words[WORDS_MAX])
{
	static const char separators[] = " \t\r=:,;\"'(){}<>|";
	size_t len = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, separators, &rest);
	     word != NULL && word[0] != '#' && len < WORDS_MAX;
	     word = strtok_r(NULL, separators, &rest))
		words[len++] = word;
	return len;
}

/* At most 99, so that what is kept for so many seconds is over soon. */
static bool
is_number(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	return digits > 0 && digits <= 2 && word[digits] == '\0';
}

static bool
same_word(const char *word, const char *wanted, size_t len)
{
	const char *slash = strrchr(word, '/');

	if (len == 1 && wanted[0] == '#')
		return is_number(word);
	word = slash != NULL && slash[1] != '\0' ? slash + 1 : word;
	return strncasecmp(word, wanted, len) == 0 && word[len] == '\0';
}

/*
 * Whether the words of `phrase` are among these, in order. `*service` gets the
 * one at the place of its `$`.
 */
static bool
matches(const char *phrase, char *words[], size_t len, const char **service)
{
	size_t at = 0;

	*service = NULL;
	while (*phrase != '\0') {
		size_t size = strcspn(phrase, " ");

		if (phrase[0] == '$') {
			*service = at < len ? words[at] : NULL;
			return at < len;
		}
		while (at < len && !same_word(words[at], phrase, size))
			at++;
		if (at++ >= len)
			return false;
		phrase += size + (phrase[size] == ' ');
	}
	return true;
}

static void
note(struct named *named, const char *service, const char *file,
    unsigned int line)
{
	(void)snprintf(named->service, sizeof(named->service), "%s", service);
	(void)snprintf(named->file, sizeof(named->file), "%s", file);
	named->line = line;
}

static void
take_phrase(struct reading *reading, unsigned int marks, const char *service,
    const char *file, unsigned int line)
{
	reading->marks |= marks;
	if ((marks & ASKS) != 0)
		note(&reading->unnamed, doors[reading->door].service, file,
		    line);
	if (service != NULL && reading->named_len < SERVICES_MAX)
		note(
		    &reading->named[reading->named_len++], service, file, line);
}

/* Dovecot 2.3 has options in front of the service: its name is the last word.
 */
static const char *
dovecot_service(const struct reading *reading, char *words[], size_t len)
{
	if (reading->door != DOVECOT || len < 2 ||
	    strcmp(words[0], "args") != 0)
		return NULL;
	return pam_service_find(reading->scan, words[len - 1]) != NULL
	           ? words[len - 1]
	           : NULL;
}

static void
take_line(
    struct reading *reading, char *start, const char *file, unsigned int line)
{
	char *words[WORDS_MAX];
	size_t len = split_line(start, words);
	const char *service = dovecot_service(reading, words, len);

	if (service != NULL)
		take_phrase(reading, 0, service, file, line);
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].door == reading->door &&
		    matches(phrases[i].words, words, len, &service))
			take_phrase(
			    reading, phrases[i].marks, service, file, line);
}

static void
take_file(void *arg, const struct config_text *text)
{
	struct config_lines lines = { text->text, CONFIG_JOIN, 0, 0 };
	char *start;

	while ((start = config_line(&lines)) != NULL)
		if (start[strspn(start, " \t")] != ';')
			take_line(arg, start, text->path, lines.line);
}

/* ---- Doors ---- */

static void
judge(struct reading *reading, const struct pam_service *stack)
{
	unsigned int marks = reading->marks | (stack->only_tokens ? ONLY : 0) |
	                     (stack->session ? SESSION : 0);

	for (size_t i = 0; i < sizeof(dangers) / sizeof(dangers[0]); i++)
		if (dangers[i].door == reading->door &&
		    (marks & dangers[i].with) == dangers[i].with &&
		    (marks & dangers[i].without) == 0)
			trap_report(reading->scan, dangers[i].trap, stack->file,
			    stack->line, doors[reading->door].name);
}

/* One of the services that this door asks. */
static void
take_service(struct reading *reading, const struct named *named)
{
	struct config_scan *scan = reading->scan;
	const struct pam_service *stack =
	    pam_service_find(scan, named->service);

	if (named->file[0] != '\0')
		pam_service_named(
		    scan, named->service, named->file, named->line);
	else
		pam_service_opened(scan, named->service);
	if (stack != NULL)
		judge(reading, stack);
}

static void
read_door(struct config_scan *scan, enum door door)
{
	struct reading reading = { .scan = scan, .door = door };

	scan->door = doors[door].name;
	note(&reading.unnamed, doors[door].service, "", 0);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (signs[i].door == door && config_any(scan, signs[i].path))
			reading.marks |= signs[i].marks;
	for (size_t i = 0; i < FILES_MAX && doors[door].files[i] != NULL; i++)
		config_each(scan, doors[door].files[i], take_file, &reading);
	for (size_t i = 0; i < reading.named_len; i++)
		take_service(&reading, &reading.named[i]);
	if (reading.named_len == 0)
		take_service(&reading, &reading.unnamed);
}

void
doctor_read_pam_doors(struct config_scan *scan)
{
	for (int door = 0; door < DOOR_COUNT; door++)
		read_door(scan, (enum door)door);
	scan->files = scan->found = 0; /* most are not about us */
}
