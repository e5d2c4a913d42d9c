/*
 * What a web server asks for, from the parameters that were read, and the
 * answer as FastCGI carries it. Method, URI and address are the web server's
 * own variables: a client's fields arrive as HTTP_*. Pure.
 */
#ifndef PATHTTPD_FCGI_ASK_H
#define PATHTTPD_FCGI_ASK_H

#include "common/config/httpd_settings.h"
#include "pat_httpd/authorizer/authorize.h"
#include "pat_httpd/fcgi_wire.h"

/* Bytes of an answer with all its records. */
#define FCGI_ANSWER_MAX 4096

/*
 * Fills `ask`, whose texts lie in the reader and in `listener`. The service is
 * named by SCRIPT_NAME, /auth/SERVICE, to a responder; to an authorizer by
 * JIRA_PAT_SERVICE, or where that is absent, by the listener.
 */
void fcgi_ask_read(const struct fcgi_reader *reader,
    const struct jp_listener *listener, struct ask *ask);

/*
 * Makes the answer to request `id`; returns how many bytes it has. They may
 * hold a secret. On a yes, an authorizer says nothing but Variable-NAME: Apache
 * hands all other fields on to the client, as part of the response to come.
 */
size_t fcgi_answer_make(const struct answer *answer, enum fcgi_role role,
    uint16_t id, const char *user_header, uint8_t bytes[FCGI_ANSWER_MAX]);

#endif
