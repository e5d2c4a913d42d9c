/*
 * The clocks. What depends on the time of day gets a struct jp_clock, so that
 * tests can set it; deadlines count from jp_now_ms(), which nobody can set.
 */
#ifndef JP_CLOCK_H
#define JP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct jp_clock {
	int64_t (*now)(void *arg);
	void *arg;
};

/* The system's clock (CLOCK_REALTIME); negative: it cannot be read. */
extern const struct jp_clock jp_system_clock;

/*
 * Seconds since the machine started (CLOCK_BOOTTIME): for lifetimes in memory,
 * which nobody can lengthen by setting the time.
 */
extern const struct jp_clock jp_steady_clock;

int64_t jp_clock_now(const struct jp_clock *clock);

/* Milliseconds of CLOCK_MONOTONIC; 0: it cannot be read. */
int64_t jp_now_ms(void);

/* The same in nanoseconds. */
int64_t jp_now_ns(void);

/*
 * Milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps;
 * negative: it cannot be read.
 */
int64_t jp_boot_ms(void);

/* Whether that time of jp_now_ms() has come, or may have. */
bool jp_has_come(int64_t deadline_ms);

/*
 * Lets a moment pass before another try of what cannot be polled for; false
 * from `deadline_ms` on.
 */
bool jp_pause(int64_t deadline_ms);

/*
 * Waits until `fd` is ready for `events` of poll(2): JP_ERR_TIMEOUT at
 * `deadline_ms` of jp_now_ms().
 */
enum jp_err jp_wait_fd(int fd, short events, int64_t deadline_ms);

#endif
