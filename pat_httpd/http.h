/*
 * The HTTP/1.1 side, over libmicrohttpd (why: doc/http-library.md): connections
 * on which proxies ask, one question after the other. An answer goes out when
 * the head of the request is complete, and no body is read; but for the paths
 * of the site (pat_httpd/self/), whose bodies are.
 */
#ifndef PATHTTPD_HTTP_H
#define PATHTTPD_HTTP_H

#include "pat_httpd/proxy_conns.h"

proxy_take http_take;
proxy_refuse http_refuse;

/* Makes `service->http`, in whose reactor it runs. JP_ERR_NOMEM. */
enum jp_err http_make(struct service *service);

/* All connections have been ended. NULL is fine. */
void http_free(struct http *http);

#endif
