/*
 * Which proxies can name the user of the page: those that reach pat-httpd on a
 * Unix socket, while [self_service] trusts a peer.
 */
#ifndef DOCTOR_PAGE_PROXIES_H
#define DOCTOR_PAGE_PROXIES_H

#include "tools/doctor/config_files.h"

/*
 * Whether `address`, as a proxy writes it, is a Unix socket on which pat-httpd
 * believes who the user is: "unix:PATH" of an HTTP listener, perhaps with a
 * scheme in front, and "|" or ":" and more behind. False where nobody is
 * trusted.
 */
bool page_is_at(const struct config_scan *scan, const char *address);

#endif
