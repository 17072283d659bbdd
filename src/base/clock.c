#include "base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

/* Process-wide: time is the same for everyone, and passing a clock to all who ask would buy nothing. */
static int64_t (*_Atomic test_source)(void);

static int64_t system_us(clockid_t id)
{
    struct timespec t;
    int failed = clock_gettime(id, &t);
    assert(!failed);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t now_us(clockid_t id)
{
    int64_t (*source)(void) = atomic_load_explicit(&test_source, memory_order_acquire);
    return source ? source() * 1000 : system_us(id);
}

int64_t clock_now_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

void clock_set_source(int64_t (*now_ms)(void))
{
    atomic_store_explicit(&test_source, now_ms, memory_order_release);
}
