#include "matrix/event_signers.h"

#include "matrix/id.h"

static size_t add(struct event_signer *signers, size_t count, struct event_signer signer)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(signers[i].server_name, signer.server_name))
            return count;
    }
    signers[count] = signer;
    return count + 1;
}

static bool is_third_party_invite(const struct event *event)
{
    return str_eq(event->type, STR("m.room.member")) && str_eq(event_membership(event), STR("invite")) &&
           json_get(event->content, STR("third_party_invite"));
}

/* The user who let somebody into a restricted room, or p == NULL. */
static struct str authoriser_of(const struct event *event)
{
    if (!event->version->restricted_join || !str_eq(event->type, STR("m.room.member")))
        return (struct str){NULL, 0};
    return json_str_at(event->content, STR("join_authorised_via_users_server"));
}

size_t event_required_signers(const struct event *event, struct event_signer signers_out[EVENT_SIGNERS_MAX])
{
    size_t count = 0;
    if (!is_third_party_invite(event))
        count = add(signers_out, count,
                    (struct event_signer){
                        .server_name = id_server(event->sender),
                        .refused = "check 2: not signed by the sender's server",
                    });
    if (event->version->event_format == EVENT_FORMAT_V1)
        count = add(signers_out, count,
                    (struct event_signer){
                        .server_name = id_server(event->event_id),
                        .refused = "check 2: not signed by the server in event_id",
                    });
    struct str authoriser = authoriser_of(event);
    if (user_id_valid(authoriser))
        count = add(signers_out, count,
                    (struct event_signer){
                        .server_name = id_server(authoriser),
                        .refused = event->version->auth_numbers == AUTH_NUMBERS_V12
                                       ? "auth rule 5.2.1: not signed by the server of the user in "
                                         "join_authorised_via_users_server"
                                       : "auth rule 4.2.1: not signed by the server of the user in "
                                         "join_authorised_via_users_server",
                        .rejected = true,
                    });
    return count;
}
