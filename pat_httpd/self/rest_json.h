/*
 * Jira's personal access tokens as its REST interface speaks of them, in JSON:
 * the wish for a token, the tokens, and what went wrong. Pure: no HTTP, no
 * clock.
 *
 * To Jira's fields come ours, which its clients skip: `tokenId`, `user`,
 * `status`, `cause`, the rights, `parent`, `uses`, `usesLeft`.
 */
#ifndef PATHTTPD_REST_JSON_H
#define PATHTTPD_REST_JSON_H

#include <jansson.h>

#include "common/admin/request.h"

/*
 * X(CODE, status, id, text): what may be wrong. Programs go by the status and
 * the id, which are promises, and people by the text. Those in the second part
 * are refusals of patd.
 */
#define REST_ERROR_LIST(X)                                                     \
	X(NONE, 200, "", "")                                                   \
	X(REQUEST, 400, "bad-request", "The request is malformed.")            \
	X(BODY, 400, "bad-json", "The body must be one JSON object.")          \
	X(KEY, 400, "field-unknown",                                           \
	    "The body has an unknown field. There are: name, "                 \
	    "expirationDuration, scopes, services, networks, parent, uses; "   \
	    "for a rotation: grace.")                                          \
	X(DURATION, 400, "duration-invalid",                                   \
	    "expirationDuration must be a whole number of days, at least 1.")  \
	X(SERVICES, 400, "service-invalid",                                    \
	    "services must be a list of 1 to 16 names of services, each of 1 " \
	    "to 64 bytes; without it, the token serves all.")                  \
	X(NETWORKS, 400, "network-invalid",                                    \
	    "networks must be a list of 1 to 16 networks such as "             \
	    "\"192.0.2.0/24\"; without it, the token comes from anywhere.")    \
	X(PARENT, 400, "parent-invalid",                                       \
	    "parent must be the id of one of your tokens, or \"self\" for "    \
	    "the token that you send.")                                        \
	X(USES, 400, "uses-invalid",                                           \
	    "uses must be a whole number from 1 to 4294967295.")               \
	X(GRACE, 400, "grace-invalid",                                         \
	    "grace must be a whole number of seconds, from 0 to 3155760000.")  \
	X(UNAVAILABLE, 503, "unavailable",                                     \
	    "This could not be done just now: try again.")                     \
	/* refusals */                                                         \
	X(NAME_REQUIRED, 400, "name-required", "The token needs a name.")      \
	X(NAME_INVALID, 400, "name-invalid",                                   \
	    "name must be 1 to 128 bytes of UTF-8, without control "           \
	    "characters and without the text of a token.")                     \
	X(SCOPE_REQUIRED, 400, "scope-required",                               \
	    "The token needs scopes: name some of those that you may give.")   \
	X(SCOPE_NOT_ALLOWED, 403, "scope-not-allowed",                         \
	    "You may not give a token one of these scopes.")                   \
	X(SCOPE_INVALID, 400, "scope-invalid",                                 \
	    "scopes must be a list of 1 to 16 words, each of 1 to 32 bytes "   \
	    "and without blanks or commas.")                                   \
	X(LIFETIME_TOO_LONG, 400, "lifetime-too-long",                         \
	    "The token would live for longer than you may let it.")            \
	X(LIFETIME_PAST, 400, "lifetime-past",                                 \
	    "The end of the token is in the past.")                            \
	X(TOO_MANY, 409, "too-many-tokens",                                    \
	    "You have as many tokens as you may have: revoke one first.")      \
	X(TOO_FAST, 429, "too-fast",                                           \
	    "You have made many tokens in a short time: wait a while.")        \
	X(USER_DISABLED, 403, "user-disabled", "This user is disabled.")       \
	X(USER_UNKNOWN, 403, "user-unknown",                                   \
	    "This user is not known here: ask your administrator.")            \
	X(NOT_ALLOWED, 403, "not-allowed", "You may not do this.")             \
	X(NOT_LIVE, 409, "not-live", "The token has ended, or is paused.")     \
	X(ROTATED, 409, "rotated-already",                                     \
	    "The token has a successor: rotate that one.")                     \
	X(WIDER, 403, "wider-than-parent",                                     \
	    "The token would be wider than the one that it comes from: by "    \
	    "scopes, services, networks, lifetime or uses.")                   \
	X(NEEDS_SCOPE, 403, "scope-tokens-needed",                             \
	    "A token that is to make or end others needs the scope "           \
	    "\"tokens\" by name.")                                             \
	X(LINK_GONE, 404, "link-gone", "This link is not good any more.")      \
	X(NOT_FOUND, 404, "not-found", "You have no token with this id.")      \
	X(USER_INVALID, 403, "user-invalid",                                   \
	    "This user name cannot have tokens: ask your administrator.")      \
	X(AUDIT, 503, "audit",                                                 \
	    "The audit trail cannot be written, so nothing was done: try "     \
	    "again.")

enum rest_error {
#define REST_ERROR_ENUM(code, status, id, text) REST_##code,
	REST_ERROR_LIST(REST_ERROR_ENUM)
#undef REST_ERROR_ENUM
	    REST_ERROR_COUNT,
};

unsigned int rest_error_status(enum rest_error error);
const char *rest_error_id(enum rest_error error);
const char *rest_error_text(enum rest_error error);

/*
 * The row for an error of patd: by the refusal that it is, or else by its code;
 * REST_UNAVAILABLE for what is not about the request.
 */
enum rest_error rest_error_of(enum jp_err err, const struct jp_why *why);

/*
 * What Jira says of an error, as text that the caller frees; NULL: no memory.
 * `id` and `text` are those of a row, or another's.
 */
char *rest_error_body(const char *id, const char *text);

/* What a new token is measured by. */
struct rest_terms {
	int64_t now;
	int64_t longest;  /* seconds that it may live; JP_NEVER: for ever */
	const char *self; /* the id of the token that asks; "": none does */
};

/*
 * Reads the wish for a token, the fields of CREATE, into a zeroed request. A
 * lifetime above the longest is cut to it, as Jira does.
 */
enum rest_error rest_read_token(const json_t *body,
    const struct rest_terms *terms, struct jp_admin_request *request);

/* The same for a rotation: its grace, if one is named. `body` NULL: none. */
enum rest_error
rest_read_rotation(const json_t *body, struct jp_admin_request *request);

/* Cuts the lifetime that was asked for, if one was, to `longest` seconds. */
void rest_cut_lifetime(
    struct jp_admin_request *request, int64_t now, int64_t longest);

/*
 * A token as Jira shows it: `id` an integer, times with a fraction and a zone,
 * an end in the year 9999 for none, `rawToken` if the item has it. NULL: no
 * memory. What holds a secret is the caller's to free at once.
 */
json_t *rest_token(const struct jp_admin_item *item);

/* A list under way, as text; zeroed, it is empty. */
struct rest_list {
	const char *first_id; /* of the token that stands first; "": any */
	char *first;          /* that token, or NULL */
	char *text;           /* the others, each behind a comma */
	size_t len, size;
};

/* Adds a token. JP_ERR_NOMEM. */
enum jp_err
rest_list_add(struct rest_list *list, const struct jp_admin_item *item);

/* The array of them, as text that the caller frees, and an empty list; NULL: no
 * memory. */
char *rest_list_take(struct rest_list *list, size_t *len);

void rest_list_clear(struct rest_list *list);

#endif
