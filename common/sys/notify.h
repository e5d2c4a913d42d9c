/*
 * The notification protocol of sd_notify(3): datagrams to $NOTIFY_SOCKET, by
 * hand, for it takes no library. Without the variable nothing happens.
 */
#ifndef JP_NOTIFY_H
#define JP_NOTIFY_H

void jp_notify_ready(void);
void jp_notify_reloading(void);
void jp_notify_stopping(void);

/*
 * How often the manager wants a sign of life, halved so that one may come late:
 * $WATCHDOG_USEC, sd_watchdog_enabled(3), in milliseconds. 0: it wants none.
 */
int jp_notify_watchdog_ms(void);

/* The sign of life. */
void jp_notify_alive(void);

#endif
