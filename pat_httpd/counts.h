/*
 * What pat-httpd counts since its start, for whoever reads its metrics. One
 * thread counts and reads. Nothing here names a user, a token, or anything that
 * a client has chosen: it stays as small as it is.
 */
#ifndef PATHTTPD_COUNTS_H
#define PATHTTPD_COUNTS_H

#include "common/config/httpd_settings.h"
#include "common/sys/latency.h"
#include "pat_httpd/authorizer/answer.h"

/* X(CODE, name): why somebody is not let in. */
#define COUNTS_REFUSED_LIST(X)                                                 \
	X(NOT_ALLOWED, "not_allowed") /* allow_users, trusted_peers */         \
	X(NO_ROOM, "no_room")         /* max_connections, max_per_uid */

enum counts_refused {
#define COUNTS_REFUSED_ENUM(code, name) COUNTS_REFUSED_##code,
	COUNTS_REFUSED_LIST(COUNTS_REFUSED_ENUM)
#undef COUNTS_REFUSED_ENUM
	    COUNTS_REFUSED_COUNT,
};

struct counts {
	int64_t started_at; /* seconds since 1970 UTC */
	struct counts_of_protocol {
		uint64_t taken; /* connections */
		uint64_t answers[ANSWER_COUNT];
		uint64_t times[JP_LATENCY_BUCKETS]; /* of answers that are */
		uint64_t times_ns;                  /* authorizations */
	} of[JP_LISTENER_PROTOCOLS];
	uint64_t refused[COUNTS_REFUSED_COUNT];
};

/*
 * An answer goes out. `asked_ns`: when its authorization began, of jp_now_ns();
 * 0: it is none.
 */
void counts_answer(struct counts *counts, enum jp_listener_protocol protocol,
    enum answer_kind kind, int64_t asked_ns);

#endif
