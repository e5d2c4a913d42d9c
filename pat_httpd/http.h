/*
 * The HTTP/1.1 side: connections on which proxies ask, one question after the
 * other. An answer goes out when the head of the request is complete; a body is
 * never read.
 */
#ifndef PATHTTPD_HTTP_H
#define PATHTTPD_HTTP_H

#include "pat_httpd/conns.h"

conn_take http_take;
conn_refuse http_refuse;

#endif
