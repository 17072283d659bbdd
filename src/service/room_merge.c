#include "service/room_merge.h"

#include "base/log.h"
#include "store/event_graph.h"
#include "store/users.h"

#define TRIES_MAX 20

/* Local members, if the room is one to be merged; no more than TRIES_MAX. */
static size_t local_members(struct services *s, struct arena *a, struct room *room, struct caller *members)
{
    struct store_tx *tx = store_read_begin(s->store);
    int64_t *nids;
    size_t count = forward_extremities_of(tx, room->nid, a, &nids) > ROOM_MERGE_ABOVE
                       ? memberships_local(tx, room->nid, TRIES_MAX, a, &nids)
                       : 0;
    for (size_t i = 0; i < count; i++)
        members[i] = (struct caller){.user_nid = nids[i], .user_id = users_id_of(tx, nids[i], a)};
    return store_read_end(&tx) ? count : 0;
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
