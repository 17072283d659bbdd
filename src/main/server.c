#include "main/server.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "main/config_option.h"
#include "main/signing_key_file.h"
#include "service/account.h"
#include "service/lazy_members.h"
#include "service/profile_rooms.h"
#include "service/room.h"
#include "service/room_chains.h"
#include "service/room_member.h"
#include "service/typing.h"
#include "store/signing_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the services see of one configuration, and the configuration whose strings it uses. */
struct server_options {
    struct service_options services;
    struct config *config;
    struct server_options *older;
};

static struct server_options *options_of(struct config *c, struct server_options *older)
{
    struct server_options *options = memory_calloc(1, sizeof(*options));

    options->config = c;
    options->older = older;
    options->services = (struct service_options){
        .server_name = c->server_name,
        .well_known_client = c->well_known_client,
        .well_known_server = c->well_known_server,
        .support_page = c->support_page,
        .support_email = c->support_email,
        .support_mxid = c->support_mxid,
        .support_role = c->support_role,
        .allow_registration = c->allow_registration,
        .open_registration = c->open_registration,
        .registration_token = c->registration_token,
        .access_token_ttl_ms = c->access_token_ttl_ms,
        .sync_timeout_max_ms = c->client_sync_timeout_max_ms,
        .default_room_version = c->default_room_version,
        .allow_room_creation = c->allow_room_creation,
        .allow_federation = c->allow_federation,
    };
    return options;
}

const struct config *server_newest(const struct server *server)
{
    return server->newest->config;
}

const char *server_path(struct arena *a, const struct config *config, const char *name)
{
    return str_fmt(a, "%.*s/%s", STR_ARG(config->database_path), name).p;
}

const char *server_database(struct arena *a, const struct config *config)
{
    return config->database.n > 0 ? str_cstr(a, config->database) : server_path(a, config, SERVER_DATABASE);
}

static bool fail(struct store_error *error, const char *what, struct str why)
{
    snprintf(error->text, sizeof(error->text), "%s%.*s", what, STR_ARG(why));
    return false;
}

static bool open_folder(const struct config *config, bool create, struct store_error *error)
{
    if (!create)
        return true;
    enum file_result result = file_mkdirs(config->database_path, 0700);
    if (result == FILE_OK)
        return true;
    snprintf(error->text, sizeof(error->text), "cannot make the folder %.*s (database_path): %s",
             STR_ARG(config->database_path), file_result_text(result));
    return false;
}

/* Nobody has an account: nothing can have been signed with a key that is lost now. */
static bool is_unused(struct server *server)
{
    struct arena *scratch = arena_new();
    struct account_info *infos;
    size_t count = 0;
    struct fault fault = account_list(&server->services, scratch, STR(""), 1, &infos, &count);

    arena_free(&scratch);
    return !fault.code && count == 0;
}

struct key_taking {
    struct signing_key_row row, known;
    bool unused;
    struct arena *a;
};

static bool take_key(struct store_tx *tx, void *arg)
{
    struct key_taking *t = arg;

    t->known = signing_keys_known(tx, t->a);
    return signing_keys_take(tx, &t->row, t->unused);
}

static struct str say_other_key(const struct key_taking *t, struct str path, bool made)
{
    if (made)
        return str_fmt(t->a,
                       "the signing key %.*s is missing, and another process uses the database with the key %.*s: copy "
                       "its file here",
                       STR_ARG(path), STR_ARG(t->known.key_id));
    return str_fmt(
        t->a,
        "this server signs with the key %.*s, says the database, and %.*s is %s%.*s. Who shares a database or "
        "moves it takes signing.key along: copy it from there. To change the key all the same: hearth key "
        "accept",
        STR_ARG(t->known.key_id), STR_ARG(path),
        str_eq(t->known.key_id, t->row.key_id) ? "another key with the id " : "", STR_ARG(t->row.key_id));
}

/* The database must know the key for this server's. One that was just made goes again if it does not. */
static bool check_key(struct server *server, struct str path, bool made, struct store_error *error)
{
    const struct signing_key *key = &server->signing_key;
    struct key_taking t = {.unused = is_unused(server), .a = server->arena};

    t.row.key_id = key->key_id;
    t.row.public_key = base64_encode(t.a, key->key.public_key, sizeof(key->key.public_key));
    enum store_result result = store_write(server->store, take_key, &t);
    if (result == STORE_OK)
        return true;
    if (made)
        (void)unlink(str_cstr(t.a, path));
    if (result != STORE_ABORTED)
        return fail(error, "the database failed when the signing key was looked up; see the log", STR(""));
    error->foreign = true;
    return fail(error, "", say_other_key(&t, path, made));
}

static bool open_signing_key(struct server *server, const struct config *config, struct store_error *error)
{
    struct str path = str_of(server_path(server->arena, config, SERVER_SIGNING_KEY)), complaint;
    enum signing_key_file_result result = signing_key_file_read(server->arena, path, &server->signing_key, &complaint);
    bool made = false;

    if (result == SIGNING_KEY_FILE_MISSING && is_unused(server)) {
        result = signing_key_file_create(server->arena, path, &server->signing_key, &complaint);
        made = result == SIGNING_KEY_FILE_OK;
    } else if (result == SIGNING_KEY_FILE_MISSING) {
        complaint = str_fmt(server->arena,
                            "the signing key %.*s is missing, but the database has accounts already. Put the file back "
                            "from a backup: with another key, other servers would not know this one any more",
                            STR_ARG(path));
    }
    if (result != SIGNING_KEY_FILE_OK)
        return fail(error, "", complaint);
    if (!check_key(server, path, made, error))
        return false;
    if (made)
        log_info("made a signing key", LOG_STR("path", path), LOG_STR("key", server->signing_key.key_id));
    server->signing_key.server_name = config->server_name;
    return true;
}

static bool fill_chains(struct server *server, struct store_error *error)
{
    return room_chains_fill(&server->services) ||
           fail(error, "the database failed while the auth chains of its events were made; see the log", STR(""));
}

bool server_open(struct server *server, struct config *config, bool create, struct store_error *error_out)
{
    *server = (struct server){.arena = arena_new(), .config = config, .newest = options_of(config, NULL)};
    struct store_options options = {
        .path = server_database(server->arena, config),
        .readers = (unsigned)config->database_pool_size,
        .cache_bytes = (size_t)(config->cache_size / 4 * 3),
        .server_name = config->server_name,
        .create = create,
    };

    crypto_init();
    server->services.options = &server->newest->services;
    server->services.signing_key = &server->signing_key;
    server->services.wake = &server->wake;
    if (!open_folder(config, create, error_out) || !store_open(&options, &server->store, error_out)) {
        server_close(server);
        return false;
    }
    server->services.store = server->store;
    server->services.accounts = accounts_new();
    server->services.rooms = rooms_new();
    rooms_set_idle_bytes(server->services.rooms, (size_t)(config->cache_size / 4));
    server->services.typing = typing_new();
    server->services.lazy_members = lazy_members_new();
    server->services.accounts->hooks =
        (struct account_hooks){.profile_changed = profile_rooms_changed, .user_deactivated = rooms_user_deactivated};
    if (!open_signing_key(server, config, error_out) || !fill_chains(server, error_out)) {
        server_close(server);
        return false;
    }
    return true;
}

void server_close(struct server *server)
{
    if (!server->arena)
        return;
    lazy_members_free(&server->services.lazy_members);
    typing_free(&server->services.typing);
    rooms_free(&server->services.rooms);
    if (server->services.accounts)
        accounts_free(&server->services);
    store_close(&server->store);
    while (server->newest) {
        struct server_options *older = server->newest->older;
        config_free(&server->newest->config);
        free(server->newest);
        server->newest = older;
    }
    explicit_bzero(&server->signing_key, sizeof(server->signing_key));
    arena_free(&server->arena);
    *server = (struct server){0};
}

void server_reload(struct server *server, struct config *config)
{
    struct server_options *options = options_of(config, server->newest);

    /* What must not change stays as it is, whatever the file says now. */
    options->services.server_name = server->config->server_name;
    server->newest = options;
    server->services.options = &options->services;
}

/* Whether the option has the same value in both. */
static bool same_value(const struct config_option *option, const struct config *before, const struct config *after)
{
    const void *x = (const char *)before + option->offset, *y = (const char *)after + option->offset;
    const struct config_strings *sx = x, *sy = y;
    const struct config_ints *ix = x, *iy = y;

    switch (option->type) {
    case CONFIG_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        return *(const int64_t *)x == *(const int64_t *)y;
    case CONFIG_STRING:
    case CONFIG_SECRET:
        return str_eq(*(const struct str *)x, *(const struct str *)y);
    case CONFIG_INTS:
        return ix->count == iy->count && memcmp(ix->items, iy->items, ix->count * sizeof(int64_t)) == 0;
    case CONFIG_STRINGS:
        for (size_t i = 0; i < sx->count && i < sy->count; i++) {
            if (!str_eq(sx->items[i], sy->items[i]))
                return false;
        }
        return sx->count == sy->count;
    }
    __builtin_unreachable();
}

struct str server_restart_options(const struct server *server, struct arena *a, const struct config *after)
{
    struct str names = STR("");

    for (size_t i = 0; config_option_at(i); i++) {
        const struct config_option *option = config_option_at(i);
        if (!option->reload && !same_value(option, server->config, after))
            names = str_fmt(a, "%.*s%s%s", STR_ARG(names), names.n > 0 ? ", " : "", option->name);
    }
    return names;
}
