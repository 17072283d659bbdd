/*
 * Time, behind a seam: tests set the clock, the program reads the system's.
 *
 * Threads: any.
 */
#ifndef HEARTH_BASE_CLOCK_H
#define HEARTH_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since the Unix epoch, as origin_server_ts wants them. */
int64_t clock_now_ms(void);
/* Milliseconds of a clock that never goes back, for deadlines and durations. */
int64_t clock_mono_ms(void);
/* Microseconds of the same clock, for measurements. */
int64_t clock_mono_us(void);
/* For tests: both clocks answer what `now_ms` returns from here on; NULL gives the system's clocks back. */
void clock_set_source(int64_t (*now_ms)(void));

#endif
