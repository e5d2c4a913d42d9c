/*
 * The known traps in the configuration of other servers: what each does, and
 * what to do about it. Each of them has been seen to bite. A new trap
 * needs a row here, its entry in pat-admin(8) and a test in
 * tests/cli/doctor.sh: where one is missing, a test fails.
 */
#ifndef DOCTOR_TRAPS_H
#define DOCTOR_TRAPS_H

#include "tools/doctor/config_files.h"

#define TRAP_ELSEWHERE                                                         \
	"pat-httpd is asked at another host, where it does not listen and "    \
	"anybody on the way could say yes: ask one on this host"

/* X(CODE, level, door, name, what it does, and what to do) */
#define TRAP_LIST(X)                                                           \
	X(APACHE_LIMIT, LEVEL_BAD, "apache", "apache-limit",                   \
	    "AuthPAMService inside <Limit> or <LimitExcept> applies to "       \
	    "every method: put it into <If \"%{REQUEST_METHOD} ...\"> "        \
	    "instead")                                                         \
	X(APACHE_SOCACHE, LEVEL_BAD, "apache", "apache-socache",               \
	    "mod_authn_socache lets revoked tokens in and costs a bcrypt "     \
	    "hash for each request: disable it (a2dismod authn_socache)")      \
	X(APACHE_EXPIRED, LEVEL_BAD, "apache", "apache-expired",               \
	    "AuthPAMExpiredRedirect leaks memory with each request, and "      \
	    "tokens do not need it: remove it")                                \
	X(APACHE_HOSTNAMES, LEVEL_WARN, "apache", "apache-hostnames",          \
	    "with HostnameLookups, tokens that are bound to networks are "     \
	    "refused: set it to Off")                                          \
	X(APACHE_GUARD, LEVEL_WARN, "apache", "apache-guard",                  \
	    "this guard lets tokens with another prefix be logged as "         \
	    "user names: replace it with the output of `pat-admin guard "      \
	    "apache`")                                                         \
	X(APACHE_DEFINE, LEVEL_BAD, "apache", "apache-define",                 \
	    "a Define from another virtual host is in effect here, so "        \
	    "that a token for its product opens this one: use the "            \
	    "current examples/apache/jira-pat.conf, or add UnDefine")          \
	X(APACHE_HEADERS, LEVEL_WARN, "apache", "apache-headers",              \
	    "the client's own headers are passed on, and a backend may "       \
	    "trust X_Forwarded_User or Remote-User: pass only those you "      \
	    "list, as examples/apache does (LuaHookAccessChecker)")            \
	X(APACHE_ACCOUNT, LEVEL_BAD, "apache", "apache-account",               \
	    "Require pam-account checks `account` without a token, and "       \
	    "is refused because only tokens pass `account` there: add "        \
	    "account=user to pam_jira_pat.so in the service file, or use "     \
	    "Require valid-user here")                                         \
	X(APACHE_FCGI_BASIC, LEVEL_WARN, "apache", "apache-fcgi-basic",        \
	    "with mod_authnz_fcgi, AuthType Basic adds a challenge of its "    \
	    "own to every answer, also to a yes: use AuthType Token")          \
	X(APACHE_FCGI_OFF, LEVEL_BAD, "apache", "apache-fcgi-off",             \
	    "Authoritative Off makes 401 of 403, of 429 and of a pat-httpd "   \
	    "that does not answer, and asks other providers: set it to On")    \
	X(APACHE_FCGI_PASS, LEVEL_BAD, "apache", "apache-fcgi-pass",           \
	    "pat-httpd gets no Authorization header, and Bearer is always "    \
	    "refused: add CGIPassAuth On")                                     \
	X(APACHE_FCGI_PORT, LEVEL_WARN, "apache", "apache-fcgi-port",          \
	    "any local user can take this port while pat-httpd is away, and "  \
	    "say yes to all: use one below 1024, or a systemd socket unit")    \
	X(APACHE_FCGI_REMOTE, LEVEL_BAD, "apache", "apache-fcgi-remote",       \
	    TRAP_ELSEWHERE)                                                    \
	X(APACHE_FCGI_TOKEN, LEVEL_WARN, "apache", "apache-fcgi-token",        \
	    "the token is passed on to the backend: add RequestHeader unset "  \
	    "Authorization")                                                   \
	X(APACHE_FCGI_USER, LEVEL_BAD, "apache", "apache-fcgi-user",           \
	    "without UserExpr, Bearer is an error and Basic passes under the " \
	    "name that was typed: add UserExpr \"%{reqenv:REMOTE_USER}\"")     \
	X(APACHE_PAGE, LEVEL_BAD, "apache", "apache-page",                     \
	    "the client's own header is passed on to the page of pat-httpd, "  \
	    "which believes this proxy: anybody can make tokens for anybody; " \
	    "set it by RequestHeader, without a condition")                    \
	X(NGINX_HEADERS, LEVEL_WARN, "nginx", "nginx-headers",                 \
	    "the client's own headers are passed on, and a backend may "       \
	    "trust Remote-User: pass only those you list, as "                 \
	    "examples/nginx does (proxy_pass_request_headers off)")            \
	X(NGINX_PAM_ENV, LEVEL_BAD, "nginx", "nginx-pam-env",                  \
	    "with auth_pam_set_pam_env, a request without a Host header "      \
	    "crashes the worker, and needs no password to do so: remove "      \
	    "it")                                                              \
	X(NGINX_GUARD, LEVEL_WARN, "nginx", "nginx-guard",                     \
	    "this guard lets tokens with another prefix be logged as "         \
	    "user names: replace it with the output of `pat-admin guard "      \
	    "nginx`")                                                          \
	X(NGINX_CACHE, LEVEL_BAD, "nginx", "nginx-cache",                      \
	    "the answers of pat-httpd are cached here, and revoked tokens "    \
	    "accepted: set it to off where auth_request goes")                 \
	X(NGINX_TOKEN, LEVEL_WARN, "nginx", "nginx-token",                     \
	    "the token is passed on to the backend: set proxy_set_header "     \
	    "Authorization, as examples/nginx does")                           \
	X(NGINX_REMOTE, LEVEL_BAD, "nginx", "nginx-remote", TRAP_ELSEWHERE)    \
	X(NGINX_PAGE, LEVEL_BAD, "nginx", "nginx-page",                        \
	    "the client's own header is passed on to the page of pat-httpd, "  \
	    "which believes this proxy: anybody can make tokens for anybody; " \
	    "set it here by proxy_set_header")                                 \
	X(HAPROXY_OPEN, LEVEL_BAD, "haproxy", "haproxy-open",                  \
	    "without http-request deny, auth-request lets every request "      \
	    "pass: add http-request deny unless { "                            \
	    "var(txn.auth_response_successful) -m bool }")                     \
	X(HAPROXY_HEADERS, LEVEL_WARN, "haproxy", "haproxy-headers",           \
	    "headers such as X_Forwarded_User are passed on, and a "           \
	    "backend may take them for X-Forwarded-User: remove them "         \
	    "(http-request del-header PATTERN -m reg)")                        \
	X(HAPROXY_TOKEN, LEVEL_WARN, "haproxy", "haproxy-token",               \
	    "the token is passed on to the backend: add http-request "         \
	    "del-header Authorization")                                        \
	X(HAPROXY_REMOTE, LEVEL_BAD, "haproxy", "haproxy-remote",              \
	    TRAP_ELSEWHERE)                                                    \
	X(ENVOY_OPEN, LEVEL_BAD, "envoy", "envoy-open",                        \
	    "failure_mode_allow lets every request pass while pat-httpd "      \
	    "does not answer: remove it")                                      \
	X(ENVOY_HEADERS, LEVEL_WARN, "envoy", "envoy-headers",                 \
	    "headers such as X_Forwarded_User are passed on, and a "           \
	    "backend may take them for X-Forwarded-User: set "                 \
	    "headers_with_underscores_action to REJECT_REQUEST")               \
	X(ENVOY_TOKEN, LEVEL_WARN, "envoy", "envoy-token",                     \
	    "the token is passed on to the backend: add authorization "        \
	    "to request_headers_to_remove")                                    \
	X(ENVOY_REMOTE, LEVEL_BAD, "envoy", "envoy-remote", TRAP_ELSEWHERE)    \
	X(APISIX_OPEN, LEVEL_BAD, "apisix", "apisix-open",                     \
	    "allow_degradation lets every request pass while pat-httpd "       \
	    "does not answer: remove it")                                      \
	X(APISIX_TOKEN, LEVEL_WARN, "apisix", "apisix-token",                  \
	    "the token is passed on to the backend: remove "                   \
	    "Authorization by the plugin proxy-rewrite")                       \
	X(APISIX_REMOTE, LEVEL_BAD, "apisix", "apisix-remote", TRAP_ELSEWHERE) \
	X(TRAEFIK_TRUST, LEVEL_BAD, "traefik", "traefik-trust",                \
	    "trustForwardHeader lets clients say which method and path "       \
	    "is asked about: remove it")                                       \
	X(TRAEFIK_HEADERS, LEVEL_WARN, "traefik", "traefik-headers",           \
	    "headers such as X_Forwarded_User are passed on, and a "           \
	    "backend may take them for X-Forwarded-User: empty them by "       \
	    "customRequestHeaders")                                            \
	X(TRAEFIK_TOKEN, LEVEL_WARN, "traefik", "traefik-token",               \
	    "the token is passed on to the backend: add Authorization "        \
	    "to authResponseHeaders, which removes it")                        \
	X(TRAEFIK_REMOTE, LEVEL_BAD, "traefik", "traefik-remote",              \
	    TRAP_ELSEWHERE)                                                    \
	X(CADDY_HEADERS, LEVEL_WARN, "caddy", "caddy-headers",                 \
	    "headers such as X_Forwarded_User are passed on, and a "           \
	    "backend may take them for X-Forwarded-User: remove them "         \
	    "inside of route (request_header -X_*)")                           \
	X(CADDY_TOKEN, LEVEL_WARN, "caddy", "caddy-token",                     \
	    "the token is passed on to the backend: add request_header "       \
	    "-Authorization behind forward_auth, inside of route")             \
	X(CADDY_REMOTE, LEVEL_BAD, "caddy", "caddy-remote", TRAP_ELSEWHERE)    \
	X(PAGE_ACCOUNT, LEVEL_BAD, "page", "page-account",                     \
	    "pat-httpd has this account, which is not its own: whoever takes " \
	    "pat-httpd over has the rights of both: name another one in "      \
	    "[pat-httpd] user")                                                \
	X(PAGE_PEER, LEVEL_BAD, "page", "page-peer",                           \
	    "there is no such local account, and pat-httpd does not start: "   \
	    "name the one as whom the proxy runs")                             \
	X(PAGE_PERSON, LEVEL_WARN, "page", "page-person",                      \
	    "this is no account of a daemon, and whoever has it can make "     \
	    "tokens for everybody: name the one as whom the proxy runs")       \
	X(PAGE_TCP, LEVEL_BAD, "page", "page-tcp",                             \
	    "whom a proxy names is believed on a Unix socket alone, and "      \
	    "every "                                                           \
	    "HTTP listener is on TCP: let one listen on a path")               \
	X(PAGE_HEADER, LEVEL_WARN, "page", "page-header",                      \
	    "the same header tells Jira who a request comes from "             \
	    "([pat-httpd] "                                                    \
	    "user_header), so that a proxy may pass it on from one to the "    \
	    "other: use another name")                                         \
	X(PAGE_URL, LEVEL_WARN, "page", "page-url",                            \
	    "pat-httpd has the page at /tokens, so that links lead nowhere "   \
	    "unless the proxy changes the path: end it with /tokens")          \
	X(PAGE_LOGIN, LEVEL_WARN, "page", "page-login",                        \
	    "without login_url, a user who has to sign in again is not told "  \
	    "where: set it to the address of the single sign-on")              \
	X(PAGE_SERVICE, LEVEL_WARN, "page", "page-service",                    \
	    "no [service] section has this name, and tokens for it open "      \
	    "nothing: is it a typing error?")                                  \
	X(PAGE_SCOPE, LEVEL_WARN, "page", "page-scope",                        \
	    "the scope `tokens` lets a token create others, so that every "    \
	    "token for this service can: use another scope")                   \
	X(PAM_MISSING, LEVEL_BAD, "pam", "pam-missing",                        \
	    "this service has no file in /etc/pam.d, so that `other` "         \
	    "applies to it: create one, like examples/pam.d/jira-pat")         \
	X(PAM_MODULE, LEVEL_BAD, "pam", "pam-module",                          \
	    "pam_jira_pat.so is not in libpam's module directory: "            \
	    "install it there (./configure --with-pamdir)")                    \
	X(PAM_ARGUMENT, LEVEL_BAD, "pam", "pam-argument",                      \
	    "pam_jira_pat.so does not know this argument, and refuses "        \
	    "everybody: see pam_jira_pat(8)")                                  \
	X(PAM_SOCKET, LEVEL_BAD, "pam", "pam-socket",                          \
	    "patd is running, but there is no socket where the module "        \
	    "looks for it: add socket=RUN_DIR/verify.sock, with RUN_DIR "      \
	    "from [patd] run_dir")                                             \
	X(PAM_ACCOUNT, LEVEL_WARN, "pam", "pam-account",                       \
	    "the module is in `auth` only, so that users without an "          \
	    "entry in /etc/passwd are refused: add pam_jira_pat.so to "        \
	    "`account`, too")                                                  \
	X(PAM_CRLF, LEVEL_BAD, "pam", "pam-crlf",                              \
	    "libpam does not know the line ends of Windows, and refuses "      \
	    "everybody: remove them (sed -i 's/\\r$//' FILE)")                 \
	X(PAM_NODELAY, LEVEL_WARN, "pam", "pam-nodelay",                       \
	    "pam_unix.so holds the server up for two seconds after each "      \
	    "wrong password: add `nodelay`")                                   \
	X(PAM_NEXT, LEVEL_WARN, "pam", "pam-next",                             \
	    "a refused token is passed on to the next module and its "         \
	    "servers: use the control of "                                     \
	    "examples/pam.d/jira-pat-or-password")                             \
	X(PAM_OTHER, LEVEL_WARN, "pam", "pam-other",                           \
	    "libpam reads this file for every request, and it accepts "        \
	    "passwords where a service name is misspelt: leave nothing "       \
	    "but pam_deny.so in it")                                           \
	X(PAM_UNAVAILABLE, LEVEL_WARN, "pam", "pam-unavailable",               \
	    "`sufficient` before pam_deny.so turns \"patd does not "           \
	    "answer\" into \"wrong token\": use `required`, without "          \
	    "pam_deny.so")                                                     \
	X(CUPS_APPARMOR, LEVEL_WARN, "pam", "cups-apparmor",                   \
	    "AppArmor's profile for cupsd, where it is in force, keeps the "   \
	    "module from patd: add the lines of examples/cups/apparmor to "    \
	    "/etc/apparmor.d/local/usr.sbin.cupsd")                            \
	X(DOOR_ACCOUNT, LEVEL_WARN, "pam", "door-account",                     \
	    "also checks `account` without a token (after a public key, "      \
	    "or when sudo is used again), and is refused because only "        \
	    "tokens pass `account`: add account=user to pam_jira_pat.so")      \
	X(DOOR_ADDRESS, LEVEL_WARN, "pam", "door-address",                     \
	    "does not pass the client's address to PAM, so that tokens "       \
	    "bound to networks are refused: turn its name lookups off, "       \
	    "or create tokens without --from")                                 \
	X(DOOR_CASE, LEVEL_WARN, "pam", "door-case",                           \
	    "converts user names to lower case, so that tokens of users "      \
	    "with capitals are refused: make it keep the case")                \
	X(DOOR_LOCAL, LEVEL_WARN, "pam", "door-local",                         \
	    "lets in only users with an entry in /etc/passwd, whatever "       \
	    "the token: create one for each user")                             \
	X(DOOR_SESSION, LEVEL_WARN, "pam", "door-session",                     \
	    "opens a session, too, and without a line for it `other` "         \
	    "decides: add session required pam_permit.so")                     \
	X(DOVECOT_CACHE, LEVEL_BAD, "pam", "dovecot-cache",                    \
	    "its cache lets revoked tokens in: set auth_cache_size = 0, "      \
	    "or use_cache = no in passdb pam, or remove cache_key")            \
	X(DOVECOT_SYNTAX, LEVEL_BAD, "pam", "dovecot-syntax",                  \
	    "Dovecot 2.4 takes %u and %Lu literally: write %{user} or "        \
	    "%{user | lower}")                                                 \
	X(EXIM_DENIED, LEVEL_WARN, "pam", "exim-denied",                       \
	    "answers 435, a temporary failure, to a token that lacks a "       \
	    "right, so that clients try again for days: use "                  \
	    "examples/exim/exim as /etc/pam.d/exim")                           \
	X(LIGHTTPD_CACHE, LEVEL_BAD, "pam", "lighttpd-cache",                  \
	    "auth.cache lets revoked tokens in, and refuses a user's "         \
	    "second token: remove it")                                         \
	X(OPENVPN_ONCE, LEVEL_BAD, "pam", "openvpn-once",                      \
	    "with auth-gen-token PAM is asked once, and the tunnel of a "      \
	    "revoked token stays: remove it")                                  \
	X(OPENVPN_RENEG, LEVEL_WARN, "pam", "openvpn-reneg",                   \
	    "a tunnel outlives its token until the keys are "                  \
	    "renegotiated, by default for an hour: set reneg-sec")             \
	X(SQUID_CACHE, LEVEL_BAD, "pam", "squid-cache",                        \
	    "a revoked token is accepted until credentialsttl is over, "       \
	    "by default for two hours: set auth_param basic "                  \
	    "credentialsttl 1 second")                                         \
	X(SQUID_ZERO, LEVEL_BAD, "pam", "squid-zero",                          \
	    "with credentialsttl 0 a request with a right token never "        \
	    "ends: set auth_param basic credentialsttl 1 second")              \
	X(SSHD_PENALTIES, LEVEL_WARN, "pam", "sshd-penalties",                 \
	    "four failed logins lock out everybody at the same address: "      \
	    "list that of your CI in PerSourcePenaltyExemptList")              \
	X(SUDO_CACHE, LEVEL_WARN, "pam", "sudo-cache",                         \
	    "sudo does not ask again for a while after a login, even if "      \
	    "the token is revoked: set Defaults timestamp_timeout=0")          \
	X(POSTFIX_PATH, LEVEL_BAD, "sasl", "postfix-path",                     \
	    "main.cf does not name this directory, so that Postfix may "       \
	    "not read the file: set cyrus_sasl_config_path = "                 \
	    "/etc/postfix/sasl")                                               \
	X(QEMU_PEER, LEVEL_WARN, "sasl", "qemu-peer",                          \
	    "under libvirt QEMU runs as libvirt-qemu, which is no system "     \
	    "account, and patd does not answer it: name it in [patd] "         \
	    "allow_users, together with all others that ask")                  \
	X(SASL_KEY, LEVEL_BAD, "sasl", "sasl-key",                             \
	    "libjirapat does not know this key, and ignores it: see "          \
	    "libjirapat(5)")                                                   \
	X(SASL_SYNTAX, LEVEL_BAD, "sasl", "sasl-syntax",                       \
	    "libsasl2 stops reading at a line that is not `key: value`: "      \
	    "correct it")                                                      \
	X(SASL_INERT, LEVEL_WARN, "sasl", "sasl-inert",                        \
	    "these keys have no effect without `jirapat_enable: yes`: "        \
	    "add it")                                                          \
	X(SASL_PLUGIN, LEVEL_BAD, "sasl", "sasl-plugin",                       \
	    "libjirapat.so is not in libsasl2's plugin directory: "            \
	    "install it there")                                                \
	X(SASL_MECHS, LEVEL_BAD, "sasl", "sasl-mechs",                         \
	    "mech_list has no mechanism that can carry a token: add "          \
	    "PLAIN")                                                           \
	X(SASL_FOLDER, LEVEL_BAD, "sasl", "sasl-folder",                       \
	    "saslauthd_path is a directory: name the socket in it")            \
	X(SASL_SOCKET, LEVEL_WARN, "sasl", "sasl-socket",                      \
	    "there is no socket at saslauthd_path: start patd, and list "      \
	    "the socket in [patd] mux (by its path outside of any "            \
	    "chroot)")                                                         \
	X(TOMCAT_CACHE, LEVEL_BAD, "tomcat", "tomcat-cache",                   \
	    "BasicAuthenticator keeps the user in the session, so that a "     \
	    "revoked or missing token is accepted: set cache=\"false\"")       \
	X(TOMCAT_REALM, LEVEL_WARN, "tomcat", "tomcat-realm",                  \
	    "with BASIC in front of this realm, Tomcat keeps the user in "     \
	    "the session: add the valve BasicAuthenticator with "              \
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
