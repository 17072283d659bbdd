#include "service/room_merge.h"

#include "base/log.h"
#include "matrix/id.h"
#include "store/event_graph.h"
#include "store/users.h"

#define MEMBERS_MAX 1000 /* looked at for one who may */
#define TRIES_MAX   5

/* Numbers of local members; no more than TRIES_MAX. */
static size_t local_members(struct services *s, struct arena *a, struct room *room, struct caller *members)
{
    struct membership_row *rows;
    struct store_tx *tx = store_read_begin(s->store);
    int64_t *nids;
    size_t found = 0;
    size_t count = forward_extremities_of(tx, room->nid, a, &nids) > ROOM_MERGE_ABOVE
                       ? memberships_of_room(tx, room->nid, MEMBERSHIP_JOIN, MEMBERS_MAX, a, &rows)
                       : 0;
    for (size_t i = 0; i < count && found < TRIES_MAX; i++) {
        struct str user_id = users_id_of(tx, rows[i].user_nid, a);
        if (str_eq(id_server(user_id), s->options->server_name))
            members[found++] = (struct caller){.user_nid = rows[i].user_nid, .user_id = user_id};
    }
    return store_read_end(&tx) ? found : 0;
}

void room_merge(struct services *s, struct arena *a, struct room *room)
{
    struct caller members[TRIES_MAX];
    size_t count = local_members(s, a, room, members);
    for (size_t i = 0; i < count; i++) {
        struct room_draft draft = {
            .type = STR("org.matrix.dummy_event"),
            .sender = members[i].user_id,
            .sender_nid = members[i].user_nid,
            .content = json_object(a),
            .hidden = true,
        };
        struct fault fault = room_append(s, a, room, &draft, 1);
        if (!fault.code) {
            log_info("room: forks merged", LOG_STR("room", room->room_id), LOG_STR("event", draft.event_id));
            return;
        }
        log_debug("room: forks not merged", LOG_STR("room", room->room_id), LOG_STR("user", members[i].user_id),
                  LOG_STR("error", fault.message));
    }
}
