/* Answers as HTTP/1.1 spells them. */
#ifndef PATHTTPD_HTTP_REPLY_H
#define PATHTTPD_HTTP_REPLY_H

#include "pat_httpd/answer.h"

#define HTTP_REPLY_MAX 4096

struct http_reply_form {
	const char *user_header;
	bool head_only; /* to a HEAD */
	bool close;     /* the connection ends behind it */
};

/* Returns how many bytes it has. They may hold a secret. */
size_t http_reply_make(const struct answer *answer,
    const struct http_reply_form *form, char bytes[HTTP_REPLY_MAX]);

#endif
