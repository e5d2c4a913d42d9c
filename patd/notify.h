/*
 * The notification protocol of sd_notify(3): datagrams to $NOTIFY_SOCKET, by
 * hand, for it takes no library. Without the variable nothing happens.
 */
#ifndef PATD_NOTIFY_H
#define PATD_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/*
 * How often the manager wants a sign of life, halved so that one may come late:
 * $WATCHDOG_USEC, sd_watchdog_enabled(3), in milliseconds. 0: it wants none.
 */
int notify_watchdog_ms(void);

/* The sign of life. */
void notify_alive(void);

#endif
