/*
 * The known traps in the configuration of other servers: what each does, and
 * what to do about it. Each of them is one that is known to bite. A new trap
 * needs a row here, its entry in pat-admin(8) and a test in
 * tests/cli/doctor.sh: where one lacks, a test fails.
 */
#ifndef DOCTOR_TRAPS_H
#define DOCTOR_TRAPS_H

#include "tools/doctor/config_files.h"

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
	X(APACHE_DEFINE, LEVEL_BAD, "apache", "apache-define",                 \
	    "what another virtual host has defined decides here, so that a "   \
	    "token for its product opens this one: take the newer "            \
	    "examples/apache/jira-pat.conf, or UnDefine it")                   \
	X(APACHE_HEADERS, LEVEL_WARN, "apache", "apache-headers",              \
	    "headers of the client pass, and a backend may take X_Forwarded_"  \
	    "User or Remote-User for the user: list those that pass, as "      \
	    "examples/apache does (LuaHookAccessChecker)")                     \
	X(APACHE_ACCOUNT, LEVEL_BAD, "apache", "apache-account",               \
	    "Require pam-account asks without a token, and is refused where "  \
	    "account has tokens alone: add account=user to pam_jira_pat.so "   \
	    "there, or Require valid-user here")                               \
	X(NGINX_HEADERS, LEVEL_WARN, "nginx", "nginx-headers",                 \
	    "headers of the client pass, and a backend may take Remote-User "  \
	    "for the user: list those that pass, as examples/nginx does "      \
	    "(proxy_pass_request_headers off)")                                \
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
	X(PAM_UNAVAILABLE, LEVEL_WARN, "pam", "pam-unavailable",               \
	    "`sufficient` in front of pam_deny.so makes a wrong token of a "   \
	    "patd that does not answer: make it `required`, without "          \
	    "pam_deny.so")                                                     \
	X(DOOR_ACCOUNT, LEVEL_WARN, "pam", "door-account",                     \
	    "this door asks account without a token, too (a public key, the "  \
	    "second sudo), and is refused where account has tokens alone: "    \
	    "add account=user to pam_jira_pat.so there")                       \
	X(DOOR_ADDRESS, LEVEL_WARN, "pam", "door-address",                     \
	    "this door does not give PAM the client's address: tokens that "   \
	    "are bound to networks are refused here")                          \
	X(DOOR_CASE, LEVEL_WARN, "pam", "door-case",                           \
	    "this door makes small letters of user names: tokens of a user "   \
	    "with capitals are refused here, until it keeps them")             \
	X(DOOR_LOCAL, LEVEL_WARN, "pam", "door-local",                         \
	    "this door lets in nobody without a line in /etc/passwd, "         \
	    "whatever "                                                        \
	    "the token")                                                       \
	X(DOVECOT_CACHE, LEVEL_BAD, "pam", "dovecot-cache",                    \
	    "its cache lets revoked tokens in: auth_cache_size = 0, or "       \
	    "use_cache = no in passdb pam, or no cache_key")                   \
	X(DOVECOT_SYNTAX, LEVEL_BAD, "pam", "dovecot-syntax",                  \
	    "Dovecot 2.4 takes %u and %Lu as they stand: write "               \
	    "%{user} or %{user | lower}")                                      \
	X(LIGHTTPD_CACHE, LEVEL_BAD, "pam", "lighttpd-cache",                  \
	    "auth.cache lets revoked tokens in, and refuses a user's second "  \
	    "one: remove it")                                                  \
	X(OPENVPN_RENEG, LEVEL_WARN, "pam", "openvpn-reneg",                   \
	    "a tunnel outlives its token until the keys are renegotiated, "    \
	    "by default for an hour: set reneg-sec")                           \
	X(SQUID_CACHE, LEVEL_BAD, "pam", "squid-cache",                        \
	    "a revoked token gets in until credentialsttl is over, by "        \
	    "default for two hours: auth_param basic credentialsttl 10 "       \
	    "seconds")                                                         \
	X(SSHD_PENALTIES, LEVEL_WARN, "pam", "sshd-penalties",                 \
	    "four bad logins close this door to all who come from the same "   \
	    "address: name your CI's in PerSourcePenaltyExemptList")           \
	X(SUDO_CACHE, LEVEL_WARN, "pam", "sudo-cache",                         \
	    "sudo asks nothing for a while after a login, whatever becomes "   \
	    "of the token: Defaults timestamp_timeout=0")                      \
	X(POSTFIX_PATH, LEVEL_BAD, "sasl", "postfix-path",                     \
	    "main.cf does not say where this file is, so that Postfix may "    \
	    "not read it: cyrus_sasl_config_path = /etc/postfix/sasl")         \
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
	TRAP_PLACES_MAX = 512, /* findings that are told apart */
};

/* What has been reported: a hash for each place. */
struct trap_places {
	uint64_t at[TRAP_PLACES_MAX];
	size_t len;
};

/*
 * Reports a trap, once for each place. `detail`, if not NULL, is shown before
 * the trap's own text; both it and `file` may be any bytes.
 */
void trap_report(struct config_scan *scan, enum trap trap, const char *file,
    unsigned int line, const char *detail);

/*
 * Looks whether a text in which a guard may stand, as `pat-admin guard` prints
 * it, knows every prefix that tokens may have; `trap` if not.
 */
void trap_guard(struct config_scan *scan, enum trap trap, const char *text,
    const char *file, unsigned int line);

#endif
