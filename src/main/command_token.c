#include "main/config_value.h"
#include "main/control_client.h"

#include <time.h>

/* What a token allows still, in words. */
static void print_token(struct command_line *line, const struct json *token)
{
    int64_t number;
    char date[32];
    struct tm day;

    command_print_str(line->out, json_str_at(token, STR("token")));
    if (json_int_at(token, STR("completed"), &number))
        fprintf(line->out, "  used %lld", (long long)number);
    if (json_int_at(token, STR("uses_allowed"), &number))
        fprintf(line->out, "  of %lld", (long long)number);
    if (json_int_at(token, STR("expires_ts"), &number)) {
        time_t seconds = (time_t)(number / 1000);
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&seconds, &day));
        fprintf(line->out, "  until %s", date);
    }
    fputc('\n', line->out);
}

enum command_exit command_token_create(struct command_line *line)
{
    struct json *args = json_object(line->arena);
    const char *token = command_flag(line, "--token"), *uses = command_flag(line, "--uses");
    const char *expires = command_flag(line, "--expires");
    int64_t number;

    if (token)
        json_set_str(line->arena, args, STR("token"), str_of(token));
    if (uses && (!str_to_i64(str_of(uses), &number) || number < 1 || number > JSON_INT_MAX))
        return command_fail(line, COMMAND_USAGE, "--uses wants a number of at least 1");
    if (uses)
        json_set_int(line->arena, args, STR("uses"), number);
    if (expires && (!config_value_duration(str_of(expires), 1000, &number) || number < 1 || number > JSON_INT_MAX / 2))
        return command_fail(line, COMMAND_USAGE, "--expires wants a time, as in 90s, 30m, 12h or 7d");
    if (expires)
        json_set_int(line->arena, args, STR("expires_in_ms"), number);

    const struct json *result = control_client_run(line, "token create", args);
    if (!result)
        return COMMAND_FAILED;
    if (line->json)
        return command_print_json(line, result);
    command_print_str(line->out, json_str_at(result, STR("token")));
    fputc('\n', line->out);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

enum command_exit command_token_list(struct command_line *line)
{
    const struct json *result = control_client_run(line, "token list", json_object(line->arena));
    const struct json *tokens = json_get(result, STR("tokens"));

    if (!result)
        return COMMAND_FAILED;
    if (line->json)
        return command_print_json(line, result);
    for (uint32_t i = 0; json_is(tokens, JSON_ARRAY) && i < tokens->count; i++)
        print_token(line, &tokens->items[i]);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

enum command_exit command_token_revoke(struct command_line *line)
{
    struct json *args = json_object(line->arena);

    json_set_str(line->arena, args, STR("token"), str_of(line->args[0]));
    const struct json *result = control_client_run(line, "token revoke", args);
    if (!result)
        return COMMAND_FAILED;
    if (line->json)
        return command_print_json(line, result);
    fputs("Removed\n", line->out);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
