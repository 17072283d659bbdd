#include "service/room_send.h"

#include "matrix/content_check.h"
#include "matrix/id.h"
#include "service/room_member.h"
#include "service/storage.h"
#include "store/rooms.h"

#define TXN_ID_MAX 255 /* bytes */

static struct fault append_one(struct services *s, struct arena *a, struct str room_id, struct room_draft *draft,
                               struct str *event_id_out)
{
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = room_append(s, a, room, draft, 1);
    *event_id_out = draft->event_id;
    room_close(s, &room);
    return fault;
}

static struct room_draft draft_of(const struct caller *caller, struct str type, struct str txn_id,
                                  const struct json *content)
{
    return (struct room_draft){.type = type,
                               .sender = caller->user_id,
                               .sender_nid = caller->user_nid,
                               .content = content,
                               .device_nid = caller->device_nid,
                               .txn_id = txn_id};
}

static struct fault check_txn_id(struct str txn_id)
{
    return txn_id.n && txn_id.n <= TXN_ID_MAX ? FAULT_NONE : FAULT(M_INVALID_PARAM, "txnId: must have 1 to 255 bytes");
}

struct fault room_redact(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str redacts, struct str txn_id, struct str reason, struct str *event_id_out)
{
    struct fault fault = check_txn_id(txn_id);
    if (fault.code)
        return fault;
    if (!event_id_valid(redacts))
        return FAULT(M_INVALID_PARAM, "The event to redact is not a valid event id");
    struct json *content = json_object(a);
    if (reason.n)
        json_set_str(a, content, STR("reason"), reason);
    struct room_draft draft = draft_of(caller, STR("m.room.redaction"), txn_id, content);
    draft.redacts = redacts;
    return append_one(s, a, room_id, &draft, event_id_out);
}

struct fault room_send(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str type, struct str txn_id, const struct json *content, struct str *event_id_out)
{
    struct fault fault = check_txn_id(txn_id);
    if (!fault.code)
        fault = content_check(a, type, content, NULL);
    if (fault.code)
        return fault;
    struct room_draft draft = draft_of(caller, type, txn_id, content);
    if (str_eq(type, STR("m.room.redaction"))) {
        draft.redacts = json_str_at(content, STR("redacts"));
        if (!event_id_valid(draft.redacts))
            return FAULT_STATUS(M_BAD_JSON, 400, "content.redacts: must be the id of the event to redact");
        struct json *rest = json_shallow_copy(a, content);
        json_unset(rest, STR("redacts"));
        draft.content = rest;
    }
    return append_one(s, a, room_id, &draft, event_id_out);
}

/* Aliases that are new in m.room.canonical_alias must lead to the room already (PUT state, M_BAD_ALIAS). */
static struct fault check_new_aliases(struct services *s, struct arena *a, const struct room *room,
                                      const struct json *content, const struct json *before)
{
    struct str *aliases;
    size_t count = content_new_aliases(a, content, before, &aliases);
    bool good = true;
    if (!count)
        return FAULT_NONE;
    struct store_tx *tx = store_read_begin(s->store);
    for (size_t i = 0; i < count && good; i++) {
        int64_t creator_nid;
        good = room_aliases_find(tx, aliases[i], &creator_nid) == room->nid;
    }
    struct fault fault = storage_read_end(&tx);
    if (fault.code || good)
        return fault;
    return FAULT(M_BAD_ALIAS, "An alias in m.room.canonical_alias does not lead to this room");
}

static struct fault put_state(struct services *s, struct arena *a, const struct caller *caller, struct room *room,
                              struct str type, struct str state_key, const struct json *content,
                              struct str *event_id_out)
{
    const struct event *now;
    struct fault fault = room_state_now(s, a, room, type, state_key, &now);
    if (!fault.code)
        fault = content_check(a, type, content, now ? now->content : NULL);
    if (!fault.code && str_eq(type, STR("m.room.canonical_alias")) && !state_key.n)
        fault = check_new_aliases(s, a, room, content, now ? now->content : NULL);
    if (fault.code)
        return fault;
    struct room_draft draft = draft_of(caller, type, (struct str){0}, content);
    draft.has_state_key = true;
    draft.state_key = state_key;
    fault = room_append(s, a, room, &draft, 1);
    *event_id_out = draft.event_id;
    return fault;
}

struct fault room_put_state(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                            struct str type, struct str state_key, const struct json *content, struct str *event_id_out)
{
    if (str_eq(type, STR("m.room.member")))
        return room_member_put(s, a, caller, room_id, state_key, content, event_id_out);
    if (str_eq(type, STR("m.room.create")))
        return FAULT(M_FORBIDDEN, "m.room.create cannot be sent again");
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = put_state(s, a, caller, room, type, state_key, content, event_id_out);
    room_close(s, &room);
    return fault;
}
