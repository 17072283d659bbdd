#include "service/profile.h"

#include "codec/utf8.h"
#include "matrix/id.h"
#include "service/account.h"
#include "service/storage.h"
#include "store/accounts.h"
#include "store/profile_updates.h"
#include "store/profiles.h"

#define NO_PROFILE FAULT(M_NOT_FOUND, "There is no profile of this user here")

/* --- which fields there are --- */

static struct fault check_displayname(const struct json *value)
{
    if (value->type != JSON_STRING)
        return FAULT(M_BAD_JSON, "'displayname' must be a string");
    if (utf8_count(value->s) > PROFILE_DISPLAYNAME_MAX)
        return FAULT(M_INVALID_PARAM, "'displayname' must be a string of at most 256 characters");
    return FAULT_NONE;
}

static struct fault check_avatar_url(const struct json *value)
{
    if (value->type != JSON_STRING)
        return FAULT(M_BAD_JSON, "'avatar_url' must be a string");
    bool good = value->s.n <= PROFILE_AVATAR_URL_MAX && (value->s.n == 0 || mxc_uri_valid(value->s));
    return good ? FAULT_NONE : FAULT(M_INVALID_PARAM, "'avatar_url' must be an mxc:// URI");
}

static struct fault check_tz(const struct json *value)
{
    if (value->type != JSON_STRING)
        return FAULT(M_BAD_JSON, "'m.tz' must be a string");
    if (value->s.n > PROFILE_KEY_MAX)
        return FAULT(M_INVALID_PARAM, "'m.tz' must be the name of a time zone");
    return FAULT_NONE;
}

static const struct field {
    struct str name;
    bool in_rooms;      /* member events say it too */
    bool empty_deletes; /* "" is no value */
    struct fault (*check)(const struct json *value);
} fields[] = {
    {STR_INIT("displayname"), true, true, check_displayname},
    {STR_INIT("avatar_url"), true, true, check_avatar_url},
    {STR_INIT("m.tz"), false, false, check_tz},
};

/* NULL for fields of the users' own. */
static const struct field *field_of(struct str name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (str_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static bool is_in_rooms(struct str name)
{
    const struct field *field = field_of(name);
    return field && field->in_rooms;
}

/* Appendices, "Common Namespaced Identifier Grammar", with a namespace. */
static bool is_namespaced(struct str name)
{
    bool dot = false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        if (!letter && (i == 0 || !other))
            return false;
        dot = dot || c == '.';
    }
    return dot;
}

static struct fault check_name(struct str name)
{
    if (name.n > PROFILE_KEY_MAX)
        return FAULT(M_KEY_TOO_LARGE, "The name of a profile field may have at most 255 bytes");
    if (!field_of(name) && !is_namespaced(name))
        return FAULT(M_INVALID_PARAM, "This is no name of a profile field");
    return FAULT_NONE;
}

/* --- reading --- */

struct fault profile_read(const struct services *s, struct arena *a, struct str user_id, const struct json **out)
{
    struct store_tx *tx = store_read_begin(s->store);
    struct account_row account;
    struct profile_row *rows = NULL;
    bool found = accounts_find(tx, user_id, a, &account);
    size_t count = found ? profiles_list(tx, account.user_nid, a, &rows) : 0;
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (!found)
        return NO_PROFILE;
    struct json *profile = json_object(a);
    for (size_t i = 0; i < count; i++) {
        struct json_result value = json_parse(a, rows[i].value, JSON_DEPTH_MAX);
        if (value.value)
            json_set(a, profile, rows[i].name, *value.value);
    }
    *out = profile;
    return FAULT_NONE;
}

struct fault profile_read_field(const struct services *s, struct arena *a, struct str user_id, struct str name,
                                const struct json **out)
{
    const struct json *profile = NULL;
    struct fault fault = check_name(name);
    if (!fault.code)
        fault = profile_read(s, a, user_id, &profile);
    if (fault.code)
        return fault;
    const struct json *value = json_get(profile, name);
    if (!value)
        return FAULT(M_NOT_FOUND, "The profile of this user has no such field");
    struct json *answer = json_object(a);
    json_set(a, answer, name, *value);
    *out = answer;
    return FAULT_NONE;
}

/* --- changing --- */

struct change {
    int64_t user_nid;
    struct str name;
    struct str value; /* JSON text; p == NULL: delete */
    bool changed;
};

/* Bytes of the profile as one object, with the change. */
static size_t size_with(struct store_tx *tx, const struct change *change)
{
    struct profile_row *rows = NULL;
    size_t count = profiles_list(tx, change->user_nid, store_tx_arena(tx), &rows);
    size_t size = sizeof "{}" + sizeof "\"\":," + change->name.n + change->value.n;
    for (size_t i = 0; i < count; i++)
        if (!str_eq(rows[i].name, change->name))
            size += sizeof "\"\":," + rows[i].name.n + rows[i].value.n;
    return size;
}

static bool change_run(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    struct str now = profiles_get(tx, change->user_nid, change->name, store_tx_arena(tx));
    change->changed = (now.p != NULL) != (change->value.p != NULL) || !str_eq(now, change->value);
    if (!change->changed)
        return true;
    if (is_in_rooms(change->name))
        profile_updates_add(tx, change->user_nid);
    if (!change->value.p) {
        profiles_delete(tx, change->user_nid, change->name);
        return true;
    }
    if (size_with(tx, change) >= PROFILE_MAX)
        return false;
    profiles_set(tx, change->user_nid, change->name, change->value);
    return true;
}

static struct fault store_change(struct services *s, struct arena *a, const struct caller *caller,
                                 struct change *change)
{
    struct fault fault = storage_write(s, (struct store_job){.run = change_run, .arg = change},
                                       &FAULT(M_PROFILE_TOO_LARGE, "The profile would be larger than 64 KiB"));
    if (fault.code)
        return fault;
    if (change->changed && is_in_rooms(change->name) && s->accounts->hooks.profile_changed)
        s->accounts->hooks.profile_changed(s, a, caller);
    return FAULT_NONE;
}

struct fault profile_set(struct services *s, struct arena *a, const struct caller *caller, struct str name,
                         const struct json *value)
{
    struct fault fault = check_name(name);
    const struct field *field = field_of(name);
    if (!fault.code && field)
        fault = field->check(value);
    if (fault.code)
        return fault;
    struct change change = {.user_nid = caller->user_nid, .name = name};
    if (!field || !field->empty_deletes || value->s.n > 0)
        change.value = json_text(a, value);
    return store_change(s, a, caller, &change);
}

struct fault profile_delete(struct services *s, struct arena *a, const struct caller *caller, struct str name)
{
    struct fault fault = check_name(name);
    struct change change = {.user_nid = caller->user_nid, .name = name};
    return fault.code ? fault : store_change(s, a, caller, &change);
}
