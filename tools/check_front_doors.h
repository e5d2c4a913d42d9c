/*
 * What the readers of the front doors' configurations share: the table of their
 * traps, files below the root, and words of a line. Nothing here judges a
 * configuration as a whole: each trap is one that is known to bite.
 */
#ifndef PAT_ADMIN_CHECK_FRONT_DOORS_H
#define PAT_ADMIN_CHECK_FRONT_DOORS_H

#include <stddef.h>
#include <stdint.h>

#include "tools/check.h"

/* X(CODE, level, door, name, what it does, and what to do) */
#define TRAP_LIST(X)                                                           \
	X(APACHE_LIMIT, LEVEL_BAD, "apache", "apache-limit",                   \
	    "AuthPAMService in <Limit> or <LimitExcept> holds for every "      \
	    "method: put it into <If \"%{REQUEST_METHOD} ...\">")              \
	X(APACHE_SOCACHE, LEVEL_BAD, "apache", "apache-socache",               \
	    "mod_authn_socache lets revoked tokens in and costs a bcrypt for " \
	    "each request: a2dismod authn_socache")                            \
	X(APACHE_EXPIRED, LEVEL_BAD, "apache", "apache-expired",               \
	    "AuthPAMExpiredRedirect leaks memory with each request and no "    \
	    "token needs it: remove it")                                       \
	X(APACHE_HOSTNAMES, LEVEL_WARN, "apache", "apache-hostnames",          \
	    "with HostnameLookups, tokens that are bound to networks are "     \
	    "refused: set it Off")                                             \
	X(APACHE_GUARD, LEVEL_WARN, "apache", "apache-guard",                  \
	    "this guard lets a token of another prefix into the logs as a "    \
	    "user name: take what `pat-admin guard apache` prints")            \
	X(NGINX_PAM_ENV, LEVEL_BAD, "nginx", "nginx-pam-env",                  \
	    "with auth_pam_set_pam_env, a request without Host ends the "      \
	    "worker, and needs no password for it: remove it")                 \
	X(NGINX_GUARD, LEVEL_WARN, "nginx", "nginx-guard",                     \
	    "this guard lets a token of another prefix into the logs as a "    \
	    "user name: take what `pat-admin guard nginx` prints")             \
	X(PAM_MISSING, LEVEL_BAD, "pam", "pam-missing",                        \
	    "this service has no file in /etc/pam.d, so that of `other` "      \
	    "decides: make one, like examples/pam.d/jira-pat")                 \
	X(PAM_MODULE, LEVEL_BAD, "pam", "pam-module",                          \
	    "pam_jira_pat.so is not in the folder of libpam's modules: "       \
	    "install it there (./configure --with-pamdir)")                    \
	X(PAM_ARGUMENT, LEVEL_BAD, "pam", "pam-argument",                      \
	    "pam_jira_pat.so knows no such argument, and lets nobody in: see " \
	    "pam_jira_pat(8)")                                                 \
	X(PAM_SOCKET, LEVEL_BAD, "pam", "pam-socket",                          \
	    "patd runs, and there is no socket where the module asks: give "   \
	    "it socket=RUN_DIR/verify.sock, with [patd] run_dir")              \
	X(PAM_ACCOUNT, LEVEL_WARN, "pam", "pam-account",                       \
	    "tokens in `auth` alone: users without a line in /etc/passwd are " \
	    "refused; add pam_jira_pat.so to `account`, too")                  \
	X(PAM_NODELAY, LEVEL_WARN, "pam", "pam-nodelay",                       \
	    "pam_unix.so makes the server wait two seconds for each wrong "    \
	    "password: add `nodelay`")                                         \
	X(PAM_NEXT, LEVEL_WARN, "pam", "pam-next",                             \
	    "a token that is refused goes on to the next module and its "      \
	    "servers: take the control of examples/pam.d/"                     \
	    "jira-pat-or-password")                                            \
	X(PAM_OTHER, LEVEL_WARN, "pam", "pam-other",                           \
	    "libpam reads this file for every request, and it accepts "        \
	    "passwords where a service is misspelt: put pam_deny.so alone "    \
	    "into it")                                                         \
	X(SASL_KEY, LEVEL_BAD, "sasl", "sasl-key",                             \
	    "libjirapat knows no such key, and ignores it: see "               \
	    "libjirapat(5)")                                                   \
	X(SASL_SYNTAX, LEVEL_BAD, "sasl", "sasl-syntax",                       \
	    "libsasl2 stops reading at a line that is not `key: value`: "      \
	    "write it so")                                                     \
	X(SASL_INERT, LEVEL_WARN, "sasl", "sasl-inert",                        \
	    "these keys do nothing without `jirapat_enable: yes`: add it")     \
	X(SASL_PLUGIN, LEVEL_BAD, "sasl", "sasl-plugin",                       \
	    "libjirapat.so is not in the folder of libsasl2's plugins: "       \
	    "install it there")                                                \
	X(SASL_MECHS, LEVEL_BAD, "sasl", "sasl-mechs",                         \
	    "mech_list names no mechanism that carries a token: add PLAIN")    \
	X(SASL_FOLDER, LEVEL_BAD, "sasl", "sasl-folder",                       \
	    "saslauthd_path is a folder: name the socket in it")               \
	X(SASL_SOCKET, LEVEL_WARN, "sasl", "sasl-socket",                      \
	    "there is no socket at saslauthd_path: is patd running, and does " \
	    "[patd] mux name it (as it is seen outside of a chroot)?")         \
	X(TOMCAT_CACHE, LEVEL_BAD, "tomcat", "tomcat-cache",                   \
	    "BasicAuthenticator keeps the user in the session, so that a "     \
	    "revoked or missing token gets in: set cache=\"false\"")           \
	X(TOMCAT_REALM, LEVEL_WARN, "tomcat", "tomcat-realm",                  \
	    "with BASIC in front of this realm, Tomcat keeps the user in the " \
	    "session: add the valve BasicAuthenticator with "                  \
	    "cache=\"false\"")

enum trap {
#define TRAP_ENUM(code, level, door, name, text) TRAP_##code,
	TRAP_LIST(TRAP_ENUM)
#undef TRAP_ENUM
	    TRAP_COUNT
};

enum {
	DOORS_PATH_MAX = 1024, /* bytes of a path, with its NUL */
	DOORS_SEEN_MAX = 512,  /* findings that are told apart */
};

struct doors {
	struct doctor *doctor;
	const char *root;
	const char *door; /* whose files are read now */
	size_t files;     /* of this door that were read */
	size_t found;     /* traps in them */
	uint64_t seen[DOORS_SEEN_MAX];
	size_t seen_len;
};

/* A file as it was read; `path` is below the root. */
struct doors_text {
	const char *path;
	char *text; /* closed by a NUL; may be written into */
	size_t len;
};

/*
 * Reports a trap, once for each place. `detail`, if not NULL, is shown before
 * the trap's own text; both it and `file` may be any bytes.
 */
void doors_trap(struct doors *doors, enum trap trap, const char *file,
    unsigned int line, const char *detail);

/*
 * Calls `take` with each file below the root that matches `pattern`, an
 * absolute glob(7). Folders, and files of more than 1 MiB, are left out.
 */
void doors_each(struct doors *doors, const char *pattern,
    void (*take)(void *arg, const struct doors_text *text), void *arg);

/* What is below the root at `path`: S_IFMT of its mode, 0 if nothing. */
unsigned int doors_type(const struct doors *doors, const char *path);

/* Whether something below the root matches `pattern`. */
bool doors_any(const struct doors *doors, const char *pattern);

/*
 * The next line of the text at `*at`, without the end of line; NULL after the
 * last. A backslash at its end joins the next one to it. `*line` counts.
 */
char *doors_line(char **at, unsigned int *line);

/*
 * The next word of `*at`, closed by a NUL; NULL if there is none. Quotes keep
 * spaces in it, and go.
 */
char *doors_word(char **at);

/*
 * Looks whether a text in which a guard may stand, as `pat-admin guard` prints
 * it, knows every prefix that tokens may have; `trap` if not.
 */
void doors_guard(struct doors *doors, enum trap trap, const char *text,
    const char *file, unsigned int line);

/* Whether /etc/pam.d has a file for `service`; if not, that is reported. */
void doors_service(struct doors *doors, const char *service, const char *file,
    unsigned int line);

/* Each reads the files of one front door. */
void check_apache(struct doors *doors);
void check_nginx(struct doors *doors);
void check_pam(struct doors *doors);
void check_sasl(struct doors *doors);
void check_tomcat(struct doors *doors);

#endif
