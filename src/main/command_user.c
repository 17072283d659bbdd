#include "main/control_client.h"
#include "main/password_input.h"

#include <time.h>

/* Runs it and prints either the result as JSON or one line: `done`, the user id, what follows. */
static enum command_exit run(struct command_line *line, const char *command, struct json *args, struct str password,
                             const char *done, const char *after)
{
    const struct json *result = control_client_run(line, command, args);

    if (!result)
        return COMMAND_FAILED;
    if (line->json) {
        struct json *shown = json_shallow_copy(line->arena, result);
        if (password.n > 0)
            json_set_str(line->arena, shown, STR("password"), password);
        return command_print_json(line, shown);
    }
    fprintf(line->out, "%s ", done);
    command_print_str(line->out, json_str_at(result, STR("user_id")));
    fprintf(line->out, "%s\n", after);
    if (password.n > 0)
        fprintf(line->out, "Password: %.*s\n", STR_ARG(password));
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static struct json *user_args(struct command_line *line)
{
    struct json *args = json_object(line->arena);

    json_set_str(line->arena, args, STR("user"), str_of(line->args[0]));
    return args;
}

/* Adds "password" to the arguments; *shown_out is what has to be printed, if it was made here. */
static enum command_exit add_password(struct command_line *line, struct json *args, struct str *shown_out)
{
    struct str password;
    bool random;
    enum command_exit code = password_input_read(line, &password, &random);

    if (code == COMMAND_OK)
        json_set_str(line->arena, args, STR("password"), password);
    *shown_out = code == COMMAND_OK && random ? password : STR("");
    return code;
}

enum command_exit command_user_create(struct command_line *line)
{
    struct json *args = json_object(line->arena);
    bool admin = command_flag(line, "--admin") != NULL;
    struct str shown;
    enum command_exit code = add_password(line, args, &shown);

    if (code != COMMAND_OK)
        return code;
    json_set_str(line->arena, args, STR("name"), str_of(line->args[0]));
    json_set(line->arena, args, STR("admin"), json_bool(admin));
    return run(line, "user create", args, shown, "Made", admin ? ", an administrator" : "");
}

enum command_exit command_user_password(struct command_line *line)
{
    struct json *args = user_args(line);
    bool logout = !command_flag(line, "--keep-devices");
    struct str shown;
    enum command_exit code = add_password(line, args, &shown);

    if (code != COMMAND_OK)
        return code;
    json_set(line->arena, args, STR("logout"), json_bool(logout));
    return run(line, "user password", args, shown, "Changed the password of",
               logout ? ", and logged it out everywhere" : "");
}

enum command_exit command_user_admin(struct command_line *line)
{
    struct json *args = user_args(line);
    bool admin = !command_flag(line, "--revoke");

    json_set(line->arena, args, STR("admin"), json_bool(admin));
    return run(line, "user admin", args, STR(""), admin ? "Made an administrator of" : "Made an ordinary account of",
               "");
}

enum command_exit command_user_deactivate(struct command_line *line)
{
    struct json *args = user_args(line);

    json_set(line->arena, args, STR("erase"), json_bool(command_flag(line, "--erase") != NULL));
    return run(line, "user deactivate", args, STR(""), "Deactivated", "");
}

/* --- list --- */

static void print_user(struct command_line *line, const struct json *user)
{
    int64_t created_ts = 0;
    char date[20];
    struct tm day;

    json_int_at(user, STR("created_ts"), &created_ts);
    time_t seconds = (time_t)(created_ts / 1000);
    strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&seconds, &day));
    fprintf(line->out, "%s  ", date);
    command_print_str(line->out, json_str_at(user, STR("user_id")));
    fprintf(line->out, "%s%s%s\n", json_bool_at(user, STR("admin"), false) ? "  administrator" : "",
            json_bool_at(user, STR("guest"), false) ? "  guest" : "",
            json_bool_at(user, STR("deactivated"), false) ? "  deactivated" : "");
}

enum command_exit command_user_list(struct command_line *line)
{
    struct json *all = json_array(line->arena), *args = json_object(line->arena);
    bool more = true;

    while (more) {
        const struct json *result = control_client_run(line, "user list", args);
        const struct json *users = json_get(result, STR("users"));
        if (!result)
            return COMMAND_FAILED;
        if (!json_is(users, JSON_ARRAY))
            return command_fail(line, COMMAND_FAILED, "the answer of the server is not understood");
        for (uint32_t i = 0; i < users->count; i++)
            json_push(line->arena, all, users->items[i]);
        more = users->count > 0 && json_bool_at(result, STR("more"), false);
        if (more)
            json_set_str(line->arena, args, STR("after"), json_str_at(&users->items[users->count - 1], STR("user_id")));
    }
    if (line->json) {
        struct json *shown = json_object(line->arena);
        json_set(line->arena, shown, STR("users"), *all);
        return command_print_json(line, shown);
    }
    for (uint32_t i = 0; i < all->count; i++)
        print_user(line, &all->items[i]);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
