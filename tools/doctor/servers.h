/*
 * The readers of other servers' configuration. Each finds the traps in the
 * files of one server, or of one kind of them.
 *
 * A row is all that a new reader needs besides its own file: without it, its
 * function has no prototype and does not compile.
 */
#ifndef DOCTOR_SERVERS_H
#define DOCTOR_SERVERS_H

#include "tools/doctor/config_files.h"

/* X(function, what its findings are about) */
#define SERVER_LIST(X)                                                         \
	X(pam, "pam") /* first: the others ask for its services */             \
	X(apache, "apache")                                                    \
	X(nginx, "nginx")                                                      \
	X(haproxy, "haproxy") /* and to caddy: proxies.c */                    \
	X(envoy, "envoy")                                                      \
	X(apisix, "apisix")                                                    \
	X(traefik, "traefik")                                                  \
	X(caddy, "caddy")                                                      \
	X(pam_doors, "doors")                                                  \
	X(sasl, "sasl")                                                        \
	X(tomcat, "tomcat")

#define SERVER_PROTOTYPE(name, subject)                                        \
	void doctor_read_##name(struct config_scan *scan);
SERVER_LIST(SERVER_PROTOTYPE)
#undef SERVER_PROTOTYPE

#endif
