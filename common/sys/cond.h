/*
 * Condition variables with a deadline: times are those of jp_now_ms(), which
 * nobody can set.
 */
#ifndef JP_COND_H
#define JP_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* pthread_cond_init(3) for the clock of jp_now_ms(). */
void jp_cond_init(pthread_cond_t *cond);

/*
 * Waits for a signal until `deadline_ms`; false: it is over. True is no proof
 * of a signal: the caller looks, and waits again, which never spins.
 */
bool jp_cond_wait_until(
    pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ms);

#endif
