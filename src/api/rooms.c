/*
 * Making rooms and moving in and out of them (client-server API, "Room membership"; POST /createRoom).
 */
#include "api/api.h"
#include "api/routes.h"
#include "matrix/field.h"
#include "service/room_create.h"
#include "service/room_member.h"
#include "service/room_read.h"
#include "service/room_upgrade.h"

static struct http_reply reply_room_id(struct api_request *r, struct str room_id)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("room_id"), room_id);
    return reply_json(answer);
}

static struct http_reply create_room(struct api_request *r)
{
    struct str room_id;
    struct fault fault = room_create(r->services, r->arena, &r->caller, r->body, &room_id);
    return fault.code ? reply_fault(fault) : reply_room_id(r, room_id);
}

static struct http_reply joined_rooms(struct api_request *r)
{
    struct json *ids;
    struct fault fault = room_read_joined_rooms(r->services, r->arena, &r->caller, &ids);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = json_object(r->arena);
    json_set(r->arena, answer, STR("joined_rooms"), *ids);
    return reply_json(answer);
}

/* join and knock by room id or alias. */
typedef struct fault enter_fn(struct services *, struct arena *, const struct caller *, struct str room_id,
                              struct str reason);

static struct http_reply enter(struct api_request *r, enter_fn *fn)
{
    struct str room_id;
    struct str reason;
    struct fault fault = body_str_opt(r, STR("reason"), STR(""), &reason);
    if (!fault.code)
        fault = room_resolve(r->services, r->arena, r->params[0], &room_id);
    if (!fault.code)
        fault = fn(r->services, r->arena, &r->caller, room_id, reason);
    return fault.code ? reply_fault(fault) : reply_room_id(r, room_id);
}

static struct http_reply join(struct api_request *r)
{
    return enter(r, room_join);
}

static struct http_reply knock(struct api_request *r)
{
    return enter(r, room_knock);
}

static struct http_reply leave(struct api_request *r)
{
    struct str reason;
    struct fault fault = body_str_opt(r, STR("reason"), STR(""), &reason);
    if (!fault.code)
        fault = room_leave(r->services, r->arena, &r->caller, r->params[0], reason);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply forget(struct api_request *r)
{
    struct fault fault = room_forget(r->services, &r->caller, r->params[0]);
    return fault.code ? reply_fault(fault) : reply_empty();
}

/* invite, kick, ban, unban: somebody else's membership. */
typedef struct fault member_fn(struct services *, struct arena *, const struct caller *, struct str room_id,
                               struct str user_id, struct str reason);

static struct http_reply change_member(struct api_request *r, member_fn *fn)
{
    struct str user_id;
    struct str reason;
    struct fault fault = body_str(r, STR("user_id"), &user_id);
    if (!fault.code)
        fault = body_str_opt(r, STR("reason"), STR(""), &reason);
    if (!fault.code)
        fault = fn(r->services, r->arena, &r->caller, r->params[0], user_id, reason);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply invite(struct api_request *r)
{
    return change_member(r, room_invite);
}

static struct http_reply kick(struct api_request *r)
{
    return change_member(r, room_kick);
}

static struct http_reply ban(struct api_request *r)
{
    return change_member(r, room_ban);
}

static struct http_reply unban(struct api_request *r)
{
    return change_member(r, room_unban);
}

/* Module "Room Upgrades". */
static struct http_reply upgrade(struct api_request *r)
{
    struct str version;
    struct str replacement;
    struct fault fault = body_str(r, STR("new_version"), &version);
    if (!fault.code)
        fault = room_upgrade(r->services, r->arena, &r->caller, r->params[0], version,
                             field_get(r->body, STR("additional_creators")), &replacement);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("replacement_room"), replacement);
    return reply_json(answer);
}

/* clang-format off */
const struct api_route routes_rooms[] = {
    {HTTP_POST, "/_matrix/client/v3/createRoom", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, create_room},
    {HTTP_GET, "/_matrix/client/v3/joined_rooms", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, joined_rooms},
    {HTTP_POST, "/_matrix/client/v3/join/{roomIdOrAlias}", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, join},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/join", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, join},
    {HTTP_POST, "/_matrix/client/v3/knock/{roomIdOrAlias}", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, knock},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/leave", AUTH_GUEST, BODY_MAYBE, BODY_MAX_EVENT, false, leave},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/forget", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, forget},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/invite", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, invite},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/kick", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, kick},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/ban", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, ban},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/unban", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, unban},
    {HTTP_POST, "/_matrix/client/v3/rooms/{roomId}/upgrade", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, upgrade},
    {0},
};
/* clang-format on */
