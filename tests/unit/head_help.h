/* Heads of requests for unit tests, written as one text. */
#ifndef JP_TESTS_HEAD_HELP_H
#define JP_TESTS_HEAD_HELP_H

#include <stdlib.h>
#include <string.h>

#include "pat_httpd/base/http_head.h"

enum { HEAD_TEXT_MAX = 4096 };

/*
 * Reads "NAME: VALUE\nNAME: VALUE\n" into `head`, in the memory of `text`,
 * which is changed.
 */
static inline void
head_make(struct http_head *head, const char *method, char *text)
{
	char *next;

	if (http_head_start(head, method, "/tokens") != JP_ERR_OK)
		abort();
	for (char *at = text; *at != '\0'; at = next) {
		char *colon = strstr(at, ": ");

		next = strchr(at, '\n');
		if (colon == NULL || next == NULL)
			abort();
		*next++ = *colon = '\0';
		if (http_head_add(head, at, (size_t)(colon - at), colon + 2,
		        strlen(colon + 2)) != JP_ERR_OK)
			abort();
	}
}

#endif
