#include "service/control.h"

#include "base/clock.h"
#include "service/account.h"
#include "service/registration_token.h"

#define LIST_MAX        INT64_C(1000) /* accounts of one answer */
#define LIFETIME_MAX_MS (INT64_C(100) * 365 * 24 * 60 * 60 * 1000)

/* Runs one command: reads `args`, fills `result`. */
typedef struct fault control_fn(struct services *s, struct arena *a, const struct json *args, struct json *result);

/* --- arguments --- */

static struct fault need_str(struct arena *a, const struct json *args, const char *name, struct str *out)
{
    *out = json_str_at(args, str_of(name));
    if (out->p)
        return FAULT_NONE;
    return (struct fault){.code = M_MISSING_PARAM,
                          .message = str_fmt(a, "The argument \"%s\" is missing or no text", name)};
}

/* An integer from 1 to `max`, or `otherwise` if it is absent. */
static struct fault opt_int(struct arena *a, const struct json *args, const char *name, int64_t max, int64_t otherwise,
                            int64_t *out)
{
    *out = otherwise;
    if (!json_get(args, str_of(name)))
        return FAULT_NONE;
    if (json_int_at(args, str_of(name), out) && *out >= 1 && *out <= max)
        return FAULT_NONE;
    return (struct fault){
        .code = M_BAD_JSON,
        .message = str_fmt(a, "The argument \"%s\" must be a number from 1 to %lld", name, (long long)max),
    };
}

/* The account that args.user names, by its id or the part before the colon. */
static struct fault need_account(const struct services *s, struct arena *a, const struct json *args,
                                 struct account_info *out)
{
    struct str user;
    struct fault fault = need_str(a, args, "user", &user);
    if (fault.code)
        return fault;

    struct str user_id = account_user_id(s, a, user);
    if (user_id.n == 0)
        return FAULT(M_INVALID_PARAM, "That is no user of this server");
    fault = account_find(s, a, user_id, out);
    return fault.code == M_NOT_FOUND ? FAULT(M_NOT_FOUND, "There is no such account") : fault;
}

/* --- accounts --- */

static struct json account_json(struct arena *a, const struct account_info *info)
{
    struct json *object = json_object(a);

    json_set_str(a, object, STR("user_id"), info->user_id);
    json_set(a, object, STR("admin"), json_bool(info->is_admin));
    json_set(a, object, STR("guest"), json_bool(info->is_guest));
    json_set(a, object, STR("deactivated"), json_bool(info->deactivated));
    json_set_int(a, object, STR("created_ts"), info->created_ts);
    return *object;
}

static struct fault user_create(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct str name, password;
    struct account_info info;
    bool admin = json_bool_at(args, STR("admin"), false);
    struct fault fault = need_str(a, args, "name", &name);

    if (!fault.code)
        fault = need_str(a, args, "password", &password);
    if (fault.code)
        return fault;
    /* "@alice:here" is welcome too, where it can be meant. */
    if (str_starts(name, STR("@"))) {
        struct str user_id = account_user_id(s, a, name);
        if (user_id.n == 0)
            return FAULT(M_INVALID_USERNAME, "That is no user id of this server");
        name = str_slice(user_id, 1, str_find(user_id, ':'));
    }
    fault = account_create(s, a, name, password, admin, &info);
    if (fault.code)
        return fault;
    json_set_str(a, result, STR("user_id"), info.user_id);
    json_set(a, result, STR("admin"), json_bool(admin));
    return FAULT_NONE;
}

static struct fault user_list(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct account_info *infos;
    size_t count;
    int64_t limit;
    struct str after = json_str_at(args, STR("after"));
    struct fault fault = opt_int(a, args, "limit", JSON_INT_MAX, LIST_MAX, &limit);

    if (limit > LIST_MAX)
        limit = LIST_MAX;
    if (!fault.code)
        fault = account_list(s, a, after, limit, &infos, &count);
    if (fault.code)
        return fault;
    struct json *users = json_array(a);
    for (size_t i = 0; i < count; i++)
        json_push(a, users, account_json(a, &infos[i]));
    json_set(a, result, STR("users"), *users);
    json_set(a, result, STR("more"), json_bool((int64_t)count == limit));
    return FAULT_NONE;
}

static struct fault user_password(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct account_info info;
    struct str password;
    struct fault fault = need_account(s, a, args, &info);

    if (!fault.code)
        fault = need_str(a, args, "password", &password);
    if (!fault.code && info.deactivated)
        fault = FAULT(M_USER_DEACTIVATED, "That account is deactivated");
    if (!fault.code)
        fault = account_set_password(s, a,
                                     &(struct account_password_change){
                                         .user_nid = info.user_nid,
                                         .password = password,
                                         .logout = json_bool_at(args, STR("logout"), true),
                                     });
    if (!fault.code)
        json_set_str(a, result, STR("user_id"), info.user_id);
    return fault;
}

static struct fault user_admin(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct account_info info;
    bool admin = json_bool_at(args, STR("admin"), true);
    struct fault fault = need_account(s, a, args, &info);

    if (!fault.code && info.deactivated)
        fault = FAULT(M_USER_DEACTIVATED, "That account is deactivated");
    if (!fault.code)
        fault = account_set_admin(s, info.user_nid, admin);
    if (!fault.code) {
        json_set_str(a, result, STR("user_id"), info.user_id);
        json_set(a, result, STR("admin"), json_bool(admin));
    }
    return fault;
}

static struct fault user_deactivate(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct account_info info;
    struct fault fault = need_account(s, a, args, &info);

    if (!fault.code)
        fault = account_deactivate(s, &(struct account_deactivation){
                                          .user_nid = info.user_nid,
                                          .user_id = info.user_id,
                                          .erase = json_bool_at(args, STR("erase"), false),
                                      });
    if (!fault.code)
        json_set_str(a, result, STR("user_id"), info.user_id);
    return fault;
}

/* --- registration tokens --- */

/* A number of the database. Times beyond what JSON can say could be stored once. */
static struct json stored_int(int64_t value)
{
    return json_int(value < JSON_INT_MAX ? value : JSON_INT_MAX);
}

static struct json token_json(struct arena *a, const struct registration_token_row *row)
{
    struct json *object = json_object(a);

    json_set_str(a, object, STR("token"), row->token);
    json_set(a, object, STR("uses_allowed"), row->uses_allowed < 0 ? json_null() : stored_int(row->uses_allowed));
    json_set_int(a, object, STR("completed"), row->completed);
    json_set_int(a, object, STR("created_ts"), row->created_ts);
    json_set(a, object, STR("expires_ts"), row->expires_ts == 0 ? json_null() : stored_int(row->expires_ts));
    return *object;
}

static struct fault token_create(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct str token = json_str_at(args, STR("token"));
    int64_t uses, lifetime_ms;
    struct fault fault = opt_int(a, args, "uses", JSON_INT_MAX, -1, &uses);

    if (!fault.code)
        fault = opt_int(a, args, "expires_in_ms", LIFETIME_MAX_MS, 0, &lifetime_ms);
    if (fault.code)
        return fault;
    if (token.p && token.n == 0)
        return FAULT(M_INVALID_PARAM, "A registration token cannot be empty");
    int64_t expires_ts = lifetime_ms > 0 ? clock_now_ms() + lifetime_ms : 0;
    fault = registration_token_create(s, a, token, uses, expires_ts, &token);
    if (fault.code)
        return fault;
    json_set_str(a, result, STR("token"), token);
    json_set(a, result, STR("uses_allowed"), uses < 0 ? json_null() : json_int(uses));
    json_set(a, result, STR("expires_ts"), expires_ts == 0 ? json_null() : json_int(expires_ts));
    return FAULT_NONE;
}

static struct fault token_list(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct registration_token_row *rows;
    size_t count;

    (void)args;
    struct fault fault = registration_token_list(s, a, &rows, &count);
    if (fault.code)
        return fault;
    struct json *tokens = json_array(a);
    for (size_t i = 0; i < count; i++)
        json_push(a, tokens, token_json(a, &rows[i]));
    json_set(a, result, STR("tokens"), *tokens);
    return FAULT_NONE;
}

static struct fault token_revoke(struct services *s, struct arena *a, const struct json *args, struct json *result)
{
    struct str token;
    struct fault fault = need_str(a, args, "token", &token);

    if (!fault.code)
        fault = registration_token_delete(s, token);
    if (!fault.code)
        json_set_str(a, result, STR("token"), token);
    return fault.code == M_NOT_FOUND ? FAULT(M_NOT_FOUND, "There is no such registration token") : fault;
}

/* --- the table --- */

static const struct {
    const char *name;
    control_fn *fn;
} commands[] = {
    {"user create", user_create},         {"user list", user_list},
    {"user password", user_password},     {"user admin", user_admin},
    {"user deactivate", user_deactivate}, {"token create", token_create},
    {"token list", token_list},           {"token revoke", token_revoke},
};

struct fault control_run(struct services *s, struct arena *a, struct str command, const struct json *args,
                         const struct json **result_out)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!str_eq(command, str_of(commands[i].name)))
            continue;
        struct json *result = json_object(a);
        struct fault fault = commands[i].fn(s, a, args, result);
        *result_out = result;
        return fault;
    }
    return FAULT(M_UNRECOGNIZED, "This server does not know that command");
}
