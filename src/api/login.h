/*
 * What a client gets when it has logged in, here and in registration.
 *
 * Threads: any.
 */
#ifndef HEARTH_API_LOGIN_H
#define HEARTH_API_LOGIN_H

#include "api/api.h"
#include "service/account_session.h"

/* device_id, initial_device_display_name and refresh_token of the body, checked. */
struct fault login_session_ask(struct api_request *r, struct session_ask *ask_out) __attribute__((warn_unused_result));
/* The session as the body of POST /login and POST /register; a new object, to which more may be added. */
struct json *login_session_json(struct api_request *r, struct str user_id, const struct session *session);

#endif
