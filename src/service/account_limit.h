/*
 * Limits on guessing: how often an address, or somebody who claims to be a user, may fail; and on making accounts.
 *
 * One bucket a key ("login 1.2.3.4", "user @a:b"); how much it holds and how fast it fills again is a matter of its
 * kind. Each kind has a table of fixed size, whoever asks: a key belongs to a set of four buckets. The one that has
 * recovered furthest makes room for a new key, of those that are equally empty the one that nobody has tried for
 * longest. The new key finds the bucket as it is, but for one attempt: a stranger with many addresses, who fills the
 * table to wash out the bucket of the account he is guessing at, gets one guess for each 16,384 others.
 *
 * Threads: any; one lock, held for moments.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_LIMIT_H
#define HEARTH_SERVICE_ACCOUNT_LIMIT_H

#include "base/arena.h"
#include "matrix/errcode.h"

#define ACCOUNT_LIMIT_BURST     10 /* ACCOUNT_LIMIT_STRICT */
#define ACCOUNT_LIMIT_REFILL_MS 6000
#define ACCOUNT_LIMIT_WIDE      100 /* at once, of the others */

enum account_limit_kind {
    ACCOUNT_LIMIT_STRICT, /* guesses from an address: 10, then one in 6 seconds */
    ACCOUNT_LIMIT_USER,   /* guesses of a user's password from anywhere: 100, then one in 6 seconds */
    ACCOUNT_LIMIT_ASKING, /* what costs memory, from an address: 100, then one a second */
    /* Accounts made from an address, each of which costs 17 ms of hashing and is there for ever. The rate is Synapse's
     * (rc_registration: 0.17 a second); its burst of 3 is too little for a class behind one address. Whoever has a
     * token was let in, and scripts that fill a server have one. */
    ACCOUNT_LIMIT_REGISTER, /* 100, then one in 6 seconds */
    ACCOUNT_LIMIT_INVITED,  /* with a registration token: 1,000, then 10 a second */
    ACCOUNT_LIMIT_KINDS,
};

struct account_limits;

struct account_limits *account_limits_new(void);
void account_limits_free(struct account_limits **limits);

/* Takes an attempt before it is known whether it fails: M_LIMIT_EXCEEDED with the time to wait if there is none. */
struct fault account_limit_take(struct account_limits *limits, enum account_limit_kind kind, struct str key)
    __attribute__((warn_unused_result));
/* The attempt was a good one: it does not count. */
void account_limit_give_back(struct account_limits *limits, enum account_limit_kind kind, struct str key);

/* "<purpose> <address>": the network of an IPv6 address, since one customer has a whole /64. */
struct str account_limit_address(struct arena *a, const char *purpose, struct str address);

#endif
