#include "main/welcome.h"

#include "base/clock.h"
#include "crypto/random.h"
#include "service/registration_token.h"

#define LIFETIME_MS    (INT64_C(24) * 60 * 60 * 1000)
#define LEAST_MS       (INT64_C(60) * 60 * 1000) /* what ends sooner is not offered any more */
#define RANDOM_LENGTH  16
#define FOR_ANY_NUMBER (-1)

static struct str make_token(struct services *services, struct arena *a)
{
    struct str random = random_string(a, RANDOM_LENGTH, RANDOM_BASE62), token;
    struct str name = str_fmt(a, WELCOME_TOKEN_PREFIX "%.*s", STR_ARG(random));
    struct fault fault =
        registration_token_create(services, a, name, FOR_ANY_NUMBER, clock_now_ms() + LIFETIME_MS, &token);

    return fault.code ? STR("") : token;
}

struct str welcome_token(struct services *services, struct arena *a)
{
    struct registration_token_row *rows;
    size_t count;
    struct str found = STR("");
    int64_t now = clock_now_ms();

    if (registration_token_list(services, a, &rows, &count).code)
        return found;
    for (size_t i = 0; i < count; i++) {
        if (!str_starts(rows[i].token, STR(WELCOME_TOKEN_PREFIX)) || rows[i].expires_ts == 0)
            continue;
        if (rows[i].expires_ts <= now && registration_token_delete(services, rows[i].token).code)
            continue; /* then it stays in the list until the next start */
        if (rows[i].uses_allowed < 0 && rows[i].expires_ts >= now + LEAST_MS)
            found = rows[i].token;
    }
    return found.n > 0 ? found : make_token(services, a);
}

static void print_token(struct command_line *line, struct services *services)
{
    const struct service_options *options = services->options;

    if (!options->allow_registration || options->open_registration)
        return;
    if (options->registration_token.n > 0) {
        fputs("To register, clients ask for the registration_token of the configuration.\n", line->out);
        return;
    }
    struct str token = welcome_token(services, line->arena);
    if (token.n > 0)
        fprintf(line->out, "Registration token, for at most a day:\n  %.*s\n", STR_ARG(token));
}

void welcome_print(struct command_line *line, struct services *services, struct str address)
{
    const char *config_path = command_config_path(line);

    fprintf(line->out, "\nHearth is ready: http://%.*s\n\n", STR_ARG(address));
    print_token(line, services);
    fprintf(line->out, "Make a first account, in another terminal:\n  %s user create NAME --admin --config %s\n",
            line->program, config_path ? config_path : "FILE");
    fprintf(line->out,
            "Sign in from a client (Element: \"Edit\" beside the homeserver):\n"
            "  homeserver http://%.*s, user @NAME:%.*s\n\n",
            STR_ARG(address), STR_ARG(services->options->server_name));
    fflush(line->out);
}
