/*
 * Telling systemd how the server is: its notification protocol, sd_notify(3), without libsystemd.
 *
 * A datagram of lines such as "READY=1" goes to the socket that NOTIFY_SOCKET names. Without that variable, or if
 * nobody listens there, nothing happens: the server does not depend on who started it.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_NOTIFY_H
#define HEARTH_MAIN_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* False if there is no socket or it takes nothing; callers mostly do not mind. */
bool notify_send(const char *state);
/* READY=1, STOPPING=1. */
void notify_ready(void);
void notify_stopping(void);
/* RELOADING=1 with the clock that Type=notify-reload wants; end it with notify_ready(). */
void notify_reloading(void);
void notify_watchdog(void);
/* How often notify_watchdog() has to be called: half of what systemd allows; 0: never. */
int64_t notify_watchdog_ms(void);

#endif
