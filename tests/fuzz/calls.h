/*
 * What a module of another program sees of the system, as the input says: the
 * clock, the sockets, a patd behind them, who listens, and which calls fail.
 * The module is linked with --wrap=NAME for each of the functions in calls.c,
 * so that nothing of the machine is touched, and no time passes but there.
 */
#ifndef JP_FUZZ_CALLS_H
#define JP_FUZZ_CALLS_H

#include "common/wire/client.h"
#include "tests/fuzz/script.h"

/*
 * X(name): calls that may fail. A fault is three characters of the input: the
 * letter of the row (`a` is the first), which of its calls (`1` is the first,
 * `0` are all), and a letter for the reason, a row of the table in calls.c.
 */
#define CALL_LIST(X)                                                           \
	X(connect)                                                             \
	X(geteuid) /* this process is not root */                              \
	X(getsockopt)                                                          \
	X(poll)                                                                \
	X(recv)                                                                \
	X(send)                                                                \
	X(socket)                                                              \
	X(socketpair)                                                          \
	X(spawn)                                                               \
	X(spawn_end)                                                           \
	X(stat)                                                                \
	X(strdup)                                                              \
	X(malloc) /* libsasl2's */                                             \
	X(canon)  /* its callback for names */                                 \
	X(item)   /* libpam's functions */                                     \
	X(user)                                                                \
	X(authtok)                                                             \
	X(set_data)                                                            \
	X(get_data)

enum call {
#define CALL_ENUM(name) CALL_##name,
	CALL_LIST(CALL_ENUM)
#undef CALL_ENUM
	    CALL_COUNT,
};

struct calls {
	/* As the input says. */
	struct script_text faults;
	struct script_text peer;   /* who listens: a name of the table there */
	struct script_text answer; /* of patd: see there */

	/* What came of it. */
	bool asked; /* `request` came to patd */
	struct jp_request request;
	bool said_yes; /* just this: a whole acceptance of that request */
	bool said_may; /* the same of JP_MAY */
	char user[JP_USER_MAX + 1]; /* of whom */
	int open;                   /* descriptors */
	int64_t ns;                 /* that have passed */

	/* In between. */
	bool connected, trusted, answered;
	unsigned int count[CALL_COUNT];
};

/* From here to calls_end() this thread sees the system of `calls`. */
void calls_begin(struct calls *calls);
void calls_end(void);

/* Whether the next `call` fails; errno says why. */
bool calls_fails(enum call call);

#endif
