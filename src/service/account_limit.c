#include "service/account_limit.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SETS 4096
#define WAYS 4

static const struct kind {
    int64_t burst;
    int64_t refill_ms;
    const char *refused;
} kinds[ACCOUNT_LIMIT_KINDS] = {
    [ACCOUNT_LIMIT_STRICT] = {ACCOUNT_LIMIT_BURST, ACCOUNT_LIMIT_REFILL_MS, "Too many failed attempts"},
    [ACCOUNT_LIMIT_USER] = {ACCOUNT_LIMIT_WIDE, ACCOUNT_LIMIT_REFILL_MS, "Too many failed attempts"},
    [ACCOUNT_LIMIT_ASKING] = {ACCOUNT_LIMIT_WIDE, 1000, "Too many requests"},
    [ACCOUNT_LIMIT_REGISTER] = {ACCOUNT_LIMIT_WIDE, 6000, "Too many accounts have been made from your address"},
    [ACCOUNT_LIMIT_INVITED] = {1000, 100, "Too many accounts have been made from your address"},
};

/* What is left is counted in milliseconds of refill: an attempt costs refill_ms of them. */
struct bucket {
    uint64_t key; /* str_hash() */
    int64_t left_ms;
    int64_t at_ms;     /* of clock_mono_ms(), when left_ms was right */
    uint64_t used_seq; /* of the last attempt, good or not; 0: never used */
};

struct account_limits {
    struct mutex lock;
    uint64_t seq; /* counts attempts */
    struct bucket buckets[ACCOUNT_LIMIT_KINDS][SETS][WAYS];
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

static int64_t left_at(const struct bucket *b, const struct kind *kind, int64_t now)
{
    int64_t full = kind->burst * kind->refill_ms;
    int64_t left = b->used_seq ? b->left_ms + (now - b->at_ms) : full;
    return left < full ? left : full;
}

/* Whether `b` has more to forget than `than`: it is less full, or as full and in use more recently. */
static bool is_worth_more(const struct bucket *b, const struct bucket *than, const struct kind *kind, int64_t now)
{
    int64_t left = left_at(b, kind, now);
    int64_t other = left_at(than, kind, now);
    return left != other ? left < other : b->used_seq > than->used_seq;
}

/* The bucket of the key, brought up to `now`; a new key takes that which is worth least of its set. It takes over what
 * has been used of it too, so that nobody gets more attempts by washing buckets out, but one attempt it always has. */
static struct bucket *bucket_of(struct account_limits *limits, enum account_limit_kind k, struct str key, int64_t now)
{
    mutex_assert_held(&limits->lock);
    uint64_t hash = str_hash(key);
    const struct kind *kind = &kinds[k];
    struct bucket *set = limits->buckets[k][hash % SETS];
    struct bucket *b = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].used_seq && set[i].key == hash) {
            set[i] = (struct bucket){hash, left_at(&set[i], kind, now), now, ++limits->seq};
            return &set[i];
        }
        if (is_worth_more(b, &set[i], kind, now))
            b = &set[i];
    }
    int64_t left = left_at(b, kind, now);
    *b = (struct bucket){hash, left > kind->refill_ms ? left : kind->refill_ms, now, ++limits->seq};
    return b;
}

struct fault account_limit_take(struct account_limits *limits, enum account_limit_kind kind, struct str key)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&limits->lock);
    struct bucket *b = bucket_of(limits, kind, key, now);
    int64_t wait = kinds[kind].refill_ms - b->left_ms;
    if (wait <= 0)
        b->left_ms -= kinds[kind].refill_ms;
    mutex_unlock(&limits->lock);
    if (wait <= 0)
        return FAULT_NONE;
    struct fault fault = {.code = M_LIMIT_EXCEEDED, .message = str_of(kinds[kind].refused)};
    fault.retry_after_ms = wait;
    return fault;
}

void account_limit_give_back(struct account_limits *limits, enum account_limit_kind kind, struct str key)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&limits->lock);
    struct bucket *b = bucket_of(limits, kind, key, now);
    b->left_ms += kinds[kind].refill_ms;
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
