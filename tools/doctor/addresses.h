/*
 * Where a proxy looks for pat-httpd: on this machine, or elsewhere, and whether
 * a port can be taken by somebody else.
 */
#ifndef DOCTOR_ADDRESSES_H
#define DOCTOR_ADDRESSES_H

#include "tools/doctor/config_files.h"

/*
 * Whether `address`, "HOST:PORT" perhaps with a scheme in front and a path
 * behind, is that of another machine. A Unix socket and a variable are not. A
 * name without a port may be one that the configuration defines: `name` is
 * what it then counts as.
 */
bool address_remote(const char *address, bool name);

/* The port in it; 0: there is none. */
unsigned int address_port(const char *address);

/*
 * Whether some process other than pat-httpd could take the port of loopback
 * while pat-httpd is away: it is 1024 or more, and no systemd.socket(5) unit
 * below the root holds it.
 */
bool address_port_free(struct config_scan *scan, unsigned int port);

/*
 * Makes three asterisks of a user and a password in front of the host, as in
 * "https://USER:PASSWORD@HOST/".
 */
void address_hide(char *address);

#endif
