/*
 * The notification protocol of sd_notify(3): datagrams to $NOTIFY_SOCKET, by
 * hand, for it takes no library. Without the variable nothing happens.
 */
#ifndef PATD_NOTIFY_H
#define PATD_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
