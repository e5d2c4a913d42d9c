/*
 * What a request asks for, from its head and the rules of its listener. Pure.
 */
#ifndef PATHTTPD_HTTP_ASK_H
#define PATHTTPD_HTTP_ASK_H

#include "common/config/httpd_settings.h"
#include "pat_httpd/authorizer/authorize.h"
#include "pat_httpd/base/http_head.h"

enum http_path {
	HTTP_PATH_NONE,
	HTTP_PATH_AUTH,   /* /auth/SERVICE, and `ask` is what it asks */
	HTTP_PATH_HEALTH, /* /healthz */
};

struct http_request {
	enum http_path path;
	struct ask ask; /* points into the head and `service` */
	char service[JP_SERVICE_MAX + 1];
};

/* The head outlives `request`. */
void http_request_read(const struct http_head *head,
    const struct jp_listener *listener, struct http_request *request);

#endif
