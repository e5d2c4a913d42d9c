/*
 * What Prometheus reads from pat-httpd.
 */
#ifndef PATHTTPD_METRICS_H
#define PATHTTPD_METRICS_H

#include "common/sys/exposition.h"
#include "pat_httpd/proxy_conns.h"

/* The text, of the type JP_EXPOSITION_TYPE, to be freed by the caller; NULL: no
 * memory. It may connect to patd, to see whether that listens. */
char *metrics_text(struct service *service, size_t *len);

#endif
