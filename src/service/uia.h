/*
 * User-Interactive Authentication (client-server API, "User-Interactive Authentication API").
 *
 *     handler: uia_check(ask, body.auth) ---> passed     do it, then uia_finish()
 *                                        \--> challenge  401 with this JSON: flows, params, session, completed
 *                                        \--> fault      too many attempts, malformed
 *
 * A request without `auth` is always challenged, even where m.login.dummy is all that is asked for. A client may answer
 * with a stage and no session, as many do: it gets one. A session is good for one operation of one user
 * (uia_session.h). How many an address may open that come to nothing is limited (M_LIMIT_EXCEEDED).
 *
 * To add a stage: a value of enum uia_stage, a row of the table in uia.c.
 *
 * Threads: any; checking a password takes the calling thread 17 ms.
 */
#ifndef HEARTH_SERVICE_UIA_H
#define HEARTH_SERVICE_UIA_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/services.h"

enum uia_stage { UIA_PASSWORD, UIA_DUMMY, UIA_REGISTRATION_TOKEN, UIA_STAGE_COUNT };

/* Stages that have to be completed, in this order. */
struct uia_flow {
    enum uia_stage stages[UIA_STAGE_COUNT];
    size_t count;
};

/* The one flow of changes to an account. */
extern const struct uia_flow uia_flow_password;

struct uia_ask {
    const struct uia_flow *flows;
    size_t flow_count;
    struct str operation; /* what the session is good for: "DELETE /_matrix/.../devices/ABC" */
    int64_t user_nid;     /* whose password is asked for; 0: that of whoever logs in by it */
    struct str address;   /* of the client, for limits */
};

enum uia_outcome { UIA_PASSED, UIA_CHALLENGED, UIA_FAULT };

struct uia_result {
    enum uia_outcome outcome;
    const struct json *challenge; /* UIA_CHALLENGED: body of the 401 */
    struct fault fault;           /* UIA_FAULT */
    /* UIA_PASSED: */
    struct str session;
    struct str opened_by;          /* key of the address's limit, which uia_finish() gives back to */
    int64_t user_nid;              /* of the password stage, else ask->user_nid */
    struct str user_id;            /* of the password stage, else empty */
    struct str password_hash;      /* of the password stage, for account_login_holds(); p == NULL: none */
    struct str registration_token; /* whose use is to be counted; p == NULL: none */
};

/* `auth` is the member of the request's body; NULL if there is none. */
struct uia_result uia_check(const struct services *s, struct arena *a, const struct uia_ask *ask,
                            const struct json *auth);
/* The operation has been done: the session is not good for another. */
void uia_finish(const struct services *s, const struct uia_result *result);

#endif
