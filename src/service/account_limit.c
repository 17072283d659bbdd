#include "service/account_limit.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SETS 4096
#define WAYS 4
#define FULL ((int64_t)ACCOUNT_LIMIT_BURST * ACCOUNT_LIMIT_REFILL_MS)

/* What is left is counted in milliseconds of refill: an attempt costs ACCOUNT_LIMIT_REFILL_MS of them. */
struct bucket {
    uint64_t key; /* str_hash() */
    int64_t left_ms;
    int64_t at_ms;     /* of clock_mono_ms(), when left_ms was right */
    uint64_t used_seq; /* of the last attempt, good or not; 0: never used */
};

struct account_limits {
    struct mutex lock;
    uint64_t seq; /* counts attempts */
    struct bucket buckets[SETS][WAYS];
};

struct account_limits *account_limits_new(void)
{
    struct account_limits *limits = memory_calloc(1, sizeof *limits);
    mutex_init(&limits->lock);
    return limits;
}

void account_limits_free(struct account_limits **limits)
{
    if (!*limits)
        return;
    mutex_fini(&(*limits)->lock);
    free(*limits);
    *limits = NULL;
}

static int64_t left_at(const struct bucket *b, int64_t now)
{
    int64_t left = b->used_seq ? b->left_ms + (now - b->at_ms) : FULL;
    return left < FULL ? left : FULL;
}

/* Whether `b` has more to forget than `than`: it is less full, or as full and in use more recently. */
static bool is_worth_more(const struct bucket *b, const struct bucket *than, int64_t now)
{
    int64_t left = left_at(b, now);
    int64_t other = left_at(than, now);
    return left != other ? left < other : b->used_seq > than->used_seq;
}

/* The bucket of the key, brought up to `now`; a new key takes that which is worth least of its set. It takes over what
 * has been used of it too, so that nobody gets more attempts by washing buckets out, but one attempt it always has. */
static struct bucket *bucket_of(struct account_limits *limits, struct str key, int64_t now)
{
    mutex_assert_held(&limits->lock);
    uint64_t hash = str_hash(key);
    struct bucket *set = limits->buckets[hash % SETS];
    struct bucket *b = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].used_seq && set[i].key == hash) {
            set[i] = (struct bucket){hash, left_at(&set[i], now), now, ++limits->seq};
            return &set[i];
        }
        if (is_worth_more(b, &set[i], now))
            b = &set[i];
    }
    int64_t left = left_at(b, now);
    *b = (struct bucket){hash, left > ACCOUNT_LIMIT_REFILL_MS ? left : ACCOUNT_LIMIT_REFILL_MS, now, ++limits->seq};
    return b;
}

struct fault account_limit_take(struct account_limits *limits, struct str key)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&limits->lock);
    struct bucket *b = bucket_of(limits, key, now);
    int64_t wait = ACCOUNT_LIMIT_REFILL_MS - b->left_ms;
    if (wait <= 0)
        b->left_ms -= ACCOUNT_LIMIT_REFILL_MS;
    mutex_unlock(&limits->lock);
    if (wait <= 0)
        return FAULT_NONE;
    struct fault fault = FAULT(M_LIMIT_EXCEEDED, "Too many failed attempts");
    fault.retry_after_ms = wait;
    return fault;
}

void account_limit_give_back(struct account_limits *limits, struct str key)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&limits->lock);
    struct bucket *b = bucket_of(limits, key, now);
    b->left_ms += ACCOUNT_LIMIT_REFILL_MS;
    mutex_unlock(&limits->lock);
}

struct str account_limit_address(struct arena *a, const char *purpose, struct str address)
{
    const char *text = str_cstr(a, address);
    struct in6_addr v6;
    if (text && inet_pton(AF_INET6, text, &v6) == 1)
        return str_fmt(a, "%s %02x%02x%02x%02x%02x%02x%02x%02x/64", purpose, v6.s6_addr[0], v6.s6_addr[1],
                       v6.s6_addr[2], v6.s6_addr[3], v6.s6_addr[4], v6.s6_addr[5], v6.s6_addr[6], v6.s6_addr[7]);
    return str_fmt(a, "%s %.*s", purpose, STR_ARG(address));
}
