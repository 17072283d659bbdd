/*
 * What is done to the signing key while no server runs.
 */
#include "base/clock.h"
#include "codec/base64.h"
#include "main/command.h"
#include "main/server.h"
#include "main/signing_key_file.h"
#include "store/signing_keys.h"

struct change {
    struct signing_key_row before, row;
    struct arena *a;
};

static bool change_key(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    c->before = signing_keys_known(tx, c->a);
    return signing_keys_change(tx, &c->row, clock_now_ms());
}

static enum command_exit print_changed(struct command_line *line, const struct change *c)
{
    struct json *shown = json_object(line->arena);
    struct str before = c->before.key_id.p ? c->before.key_id : STR("");

    if (line->json) {
        json_set_str(line->arena, shown, STR("key_id"), c->row.key_id);
        json_set_str(line->arena, shown, STR("key_id_before"), before);
        return command_print_json(line, shown);
    }
    fputs("The server signs with ", line->out);
    command_print_str(line->out, c->row.key_id);
    if (before.n > 0 && !(str_eq(before, c->row.key_id) && str_eq(c->before.public_key, c->row.public_key))) {
        fputs(" from now on, and no more with ", line->out);
        command_print_str(line->out, before);
    }
    fputs("\n", line->out);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static enum command_exit accept_key(struct command_line *line, struct store *store, struct str path)
{
    struct change c = {.a = line->arena};
    struct signing_key key;
    struct str complaint;

    if (signing_key_file_read(line->arena, path, &key, &complaint) != SIGNING_KEY_FILE_OK)
        return command_fail(line, COMMAND_FAILED, "%.*s", STR_ARG(complaint));
    c.row.key_id = key.key_id;
    c.row.public_key = base64_encode(line->arena, key.key.public_key, sizeof(key.key.public_key));
    ed25519_wipe(&key.key);
    enum store_result result = store_write(store, change_key, &c);
    if (result == STORE_ABORTED)
        return command_fail(line, COMMAND_FAILED, "another process has the database open (is a server running?)");
    if (result != STORE_OK)
        return command_fail(line, COMMAND_FAILED, "the database failed, see the log");
    return print_changed(line, &c);
}

enum command_exit command_key_accept(struct command_line *line)
{
    struct config *config = command_load_config(line, true);
    struct store *store = NULL;
    struct store_error error = {.text = ""};
    enum command_exit code = COMMAND_FAILED;

    if (!config)
        return COMMAND_FAILED;
    struct store_options options = {.path = server_database(line->arena, config), .server_name = config->server_name};
    if (store_open(&options, &store, &error))
        code = accept_key(line, store, str_of(server_path(line->arena, config, SERVER_SIGNING_KEY)));
    else
        command_fail(line, COMMAND_FAILED, "%s", error.text);
    store_close(&store);
    config_free(&config);
    return code;
}
