/*
 * Sessions of User-Interactive Authentication: what a client has shown so far, for one operation of one user.
 *
 * They live in memory: a restart makes clients begin again. A session lasts until the operation has succeeded or half
 * an hour has passed; when there are too many the oldest go, those without a completed stage first, since they cost
 * nothing to open.
 *
 * Threads: any; one lock, held for moments. Progress is copied out and in, so that stages are checked without it.
 */
#ifndef HEARTH_SERVICE_UIA_SESSION_H
#define HEARTH_SERVICE_UIA_SESSION_H

#include "base/arena.h"
#include "base/str.h"

#define UIA_SESSIONS_MAX   10000
#define UIA_SESSION_TTL_MS ((int64_t)30 * 60 * 1000)
#define UIA_TEXT_MAX       256 /* bytes of a text that a session remembers */

struct uia_text {
    size_t n;
    char p[UIA_TEXT_MAX];
};

/* What a session has come to know. */
struct uia_progress {
    unsigned completed; /* bit 1u << enum uia_stage */
    int64_t user_nid;
    struct uia_text user_id;
    struct uia_text password_hash; /* whose password was shown: the stage is done while the account has it */
    struct uia_text token;         /* registration token whose use is to be counted; empty: none */
};

/* What a session is good for. */
struct uia_purpose {
    int64_t user_nid;
    struct str operation;
};

struct uia_sessions;

struct uia_sessions *uia_sessions_new(void);
void uia_sessions_free(struct uia_sessions **sessions);

/* A new session; its id in `a`. */
struct str uia_session_open(struct uia_sessions *sessions, struct arena *a, struct uia_purpose purpose);
/* False if there is no such session for this purpose. */
bool uia_session_read(struct uia_sessions *sessions, struct str id, struct uia_purpose purpose,
                      struct uia_progress *progress_out) __attribute__((warn_unused_result));
/* Completed stages are added to those that another request has completed meanwhile. */
void uia_session_write(struct uia_sessions *sessions, struct str id, struct uia_purpose purpose,
                       const struct uia_progress *progress);
/* False if it has gone already. */
bool uia_session_end(struct uia_sessions *sessions, struct str id);

#endif
