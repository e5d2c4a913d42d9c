/*
 * The FastCGI side: connections on which web servers ask, one request at a time
 * on each. An answer goes out when the parameters of a request are complete; a
 * body is never read.
 */
#ifndef PATHTTPD_FCGI_H
#define PATHTTPD_FCGI_H

#include "pat_httpd/proxy_conns.h"

proxy_take fcgi_take;
proxy_refuse fcgi_refuse;

#endif
