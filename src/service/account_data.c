#include "service/account_data.h"

#include "matrix/id.h"
#include "matrix/push_rules_default.h"
#include "service/ignored_users.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/account_data.h"
#include "store/rooms.h"

#define TAG_CONTENT_MAX 65536 /* bytes of all tags of a room */

static const struct str tag_type = STR_INIT("m.tag");

/* Types that only the server writes ("Client Config", "Server Behaviour"). */
static bool is_servers(struct str type)
{
    return str_eq(type, STR("m.fully_read")) || str_eq(type, STR("m.push_rules"));
}

static struct fault check(struct str room_id, struct str type)
{
    if (room_id.p && !room_id_valid(room_id))
        return FAULT(M_INVALID_PARAM, "This is no room id");
    if (type.n == 0 || type.n > ACCOUNT_DATA_TYPE_MAX)
        return FAULT(M_INVALID_PARAM, "A type has 1 to 255 bytes");
    return FAULT_NONE;
}

/* 0 for the account; -1 for a room that is not known. */
static int64_t room_of(struct store_tx *tx, struct str room_id)
{
    if (!room_id.p)
        return 0;
    int64_t nid = rooms_nid_of(tx, room_id);
    return nid ? nid : -1;
}

/* --- writing --- */

struct change {
    const struct services *s;
    int64_t user_nid;
    struct str room_id;
    struct str type;
    struct str content;           /* JSON text */
    struct str tag;               /* of a change of one tag */
    const struct json *tag_value; /* NULL: delete it */
    struct fault refused;
};

static bool write_content(struct store_tx *tx, struct change *change, int64_t room_nid, struct str content)
{
    change->refused = FAULT(M_FORBIDDEN, "Too much account data is kept for you");
    if (!account_data_get(tx, change->user_nid, room_nid, change->type, store_tx_arena(tx)).p &&
        account_data_count(tx, change->user_nid) >= ACCOUNT_DATA_ROWS_MAX)
        return false;
    account_data_set(tx, change->user_nid, room_nid, change->type, content);
    change->refused = FAULT(M_TOO_LARGE, "Too much account data is kept for you");
    return account_data_bytes(tx, change->user_nid) <= ACCOUNT_DATA_BYTES_MAX;
}

static bool find_room(struct store_tx *tx, struct change *change, int64_t *room_nid_out)
{
    *room_nid_out = room_of(tx, change->room_id);
    change->refused = FAULT(M_NOT_FOUND, "This room is not known here");
    return *room_nid_out >= 0;
}

static bool put_run(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    int64_t room_nid;
    return find_room(tx, change, &room_nid) && write_content(tx, change, room_nid, change->content);
}

static void published(void *arg)
{
    struct change *change = arg;
    wake_user(change->s->wake, change->user_nid);
}

static struct fault store_change(struct change *change, bool (*run)(struct store_tx *, void *))
{
    return storage_write(change->s, (struct store_job){.run = run, .published = published, .arg = change},
                         &change->refused);
}

struct fault account_data_put(const struct services *s, struct arena *a, const struct caller *caller,
                              struct str room_id, struct str type, const struct json *content)
{
    struct fault fault = check(room_id, type);
    if (fault.code)
        return fault;
    if (is_servers(type))
        return FAULT_STATUS(M_BAD_JSON, 405, "This type is kept by the server and can not be set here");
    if (!room_id.p && str_eq(type, IGNORED_USERS_TYPE))
        fault = ignored_users_check(a, content);
    if (fault.code)
        return fault;
    struct change change = {
        .s = s,
        .user_nid = caller->user_nid,
        .room_id = room_id,
        .type = type,
        .content = json_text(a, content),
    };
    return store_change(&change, put_run);
}

/* --- reading --- */

struct fault account_data_read(const struct services *s, struct arena *a, const struct caller *caller,
                               struct str room_id, struct str type, const struct json **out)
{
    struct fault fault = check(room_id, type);
    if (fault.code)
        return fault;
    if (!room_id.p && str_eq(type, STR("m.push_rules"))) {
        *out = push_rules_default(a, caller->user_id);
        return FAULT_NONE;
    }
    struct store_tx *tx = store_read_begin(s->store);
    int64_t room_nid = room_of(tx, room_id);
    struct str content = account_data_get(tx, caller->user_nid, room_nid, type, a);
    fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    *out = content.p ? json_parse(a, content, JSON_DEPTH_MAX).value : NULL;
    return *out ? FAULT_NONE : FAULT(M_NOT_FOUND, "There is no such account data");
}

/* --- tags --- */

struct fault account_data_tags(const struct services *s, struct arena *a, const struct caller *caller,
                               struct str room_id, const struct json **out)
{
    const struct json *content = NULL;
    struct fault fault = account_data_read(s, a, caller, room_id, tag_type, &content);
    if (fault.code && fault.code != M_NOT_FOUND)
        return fault;
    const struct json *tags = json_get(content, STR("tags"));
    struct json *answer = json_object(a);
    json_set(a, answer, STR("tags"), json_is(tags, JSON_OBJECT) ? *tags : *json_object(a));
    *out = answer;
    return FAULT_NONE;
}

static bool tag_run(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    struct arena *a = store_tx_arena(tx);
    int64_t room_nid;
    if (!find_room(tx, change, &room_nid))
        return false;
    struct str now = account_data_get(tx, change->user_nid, room_nid, change->type, a);
    const struct json *content = now.p ? json_parse(a, now, JSON_DEPTH_MAX).value : NULL;
    const struct json *tags = json_get(content, STR("tags"));
    struct json *changed = json_is(tags, JSON_OBJECT) ? json_shallow_copy(a, tags) : json_object(a);
    if (change->tag_value)
        json_set(a, changed, change->tag, *change->tag_value);
    else
        json_unset(changed, change->tag);
    struct json *whole = json_object(a);
    json_set(a, whole, STR("tags"), *changed);
    struct str text = json_text(a, whole);
    if (text.n > TAG_CONTENT_MAX) {
        change->refused = FAULT(M_TOO_LARGE, "The room would have too many tags");
        return false;
    }
    return write_content(tx, change, room_nid, text);
}

struct fault account_data_tag(const struct services *s, const struct caller *caller, struct str room_id, struct str tag,
                              const struct json *value)
{
    double order = 0;
    const struct json *order_value = json_get(value, STR("order"));
    struct fault fault = check(room_id, tag_type);
    if (fault.code)
        return fault;
    if (tag.n == 0 || tag.n > TAG_MAX)
        return FAULT(M_INVALID_PARAM, "The name of a tag has 1 to 255 bytes");
    if (order_value && (!json_number(order_value, &order) || !(order >= 0 && order <= 1)))
        return FAULT(M_INVALID_PARAM, "'order' must be a number from 0 to 1");
    struct change change = {
        .s = s,
        .user_nid = caller->user_nid,
        .room_id = room_id,
        .type = tag_type,
        .tag = tag,
        .tag_value = value,
    };
    return store_change(&change, tag_run);
}

/* --- rooms that are replaced --- */

static bool lists(const struct json *rooms, struct str room_id)
{
    for (size_t i = 0; json_is(rooms, JSON_ARRAY) && i < rooms->count; i++)
        if (json_is(&rooms->items[i], JSON_STRING) && str_eq(rooms->items[i].s, room_id))
            return true;
    return false;
}

/* m.direct with `to` in each list that has `from`; NULL if nothing changes. */
static const struct json *direct_with(struct arena *a, const struct json *direct, struct str from, struct str to)
{
    struct json *changed = NULL;
    for (uint32_t i = 0; direct && direct->type == JSON_OBJECT && i < direct->count; i++) {
        const struct json_member *m = &direct->members[i];
        if (!lists(&m->value, from) || lists(&m->value, to))
            continue;
        struct json *rooms = json_shallow_copy(a, &m->value);
        json_push(a, rooms, json_string(to));
        changed = changed ? changed : json_shallow_copy(a, direct);
        json_set(a, changed, m->key, *rooms);
    }
    return changed;
}

struct following {
    struct change change; /* of the new room; its room_id is where the settings go */
    struct str from;
};

static bool follow_run(struct store_tx *tx, void *arg)
{
    struct following *f = arg;
    struct change *change = &f->change;
    struct arena *a = store_tx_arena(tx);
    int64_t from_nid = rooms_nid_of(tx, f->from);
    int64_t to_nid;
    if (!find_room(tx, change, &to_nid))
        return false;
    struct str direct = account_data_get(tx, change->user_nid, 0, STR("m.direct"), a);
    const struct json *parsed = direct.p ? json_parse(a, direct, JSON_DEPTH_MAX).value : NULL;
    const struct json *changed = direct_with(a, parsed, f->from, change->room_id);
    change->type = STR("m.direct");
    if (changed && !write_content(tx, change, 0, json_text(a, changed)))
        return false;
    struct str tags = from_nid ? account_data_get(tx, change->user_nid, from_nid, tag_type, a) : (struct str){0};
    change->type = tag_type;
    return !tags.p || account_data_get(tx, change->user_nid, to_nid, tag_type, a).p ||
           write_content(tx, change, to_nid, tags);
}

struct fault account_data_follow(const struct services *s, const struct caller *caller, struct str from, struct str to)
{
    struct following f = {.change = {.s = s, .user_nid = caller->user_nid, .room_id = to}, .from = from};
    struct store_job job = {.run = follow_run, .published = published, .arg = &f};
    return storage_write(s, job, &f.change.refused);
}
