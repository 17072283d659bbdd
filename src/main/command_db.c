/*
 * What is done to a whole database while no server runs on it.
 */
#include "main/command.h"
#include "main/server.h"
#include "store/copy.h"
#include "store/state_gc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The database that the configuration names, which must be there. NULL: that it cannot be had has been said. */
static struct store *open_database(struct command_line *line, const char **path_out)
{
    struct config *config = command_load_config(line, true);
    struct store *store = NULL;
    struct store_error error = {.text = ""};

    if (!config)
        return NULL;
    const char *path = *path_out = server_database(line->arena, config);
    struct store_options options = {.path = path, .server_name = config->server_name};
    if (!store_is_url(path) && access(path, F_OK) != 0)
        command_fail(line, COMMAND_FAILED, "there is no database %s: %s", path, strerror(errno));
    else if (!store_open(&options, &store, &error))
        command_fail(line, COMMAND_FAILED, "%s", error.text);
    config_free(&config);
    return store;
}

/* Of the file; 0 where the database is none. */
static int64_t size_of(const char *path)
{
    struct stat info;
    return !store_is_url(path) && stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

struct progress {
    FILE *err;
    int percent; /* shown last */
};

static void show_progress(void *ctx, int64_t done, int64_t total)
{
    struct progress *p = ctx;
    int percent = total > 0 ? (int)((double)done * 100 / (double)total) : 100;

    if (percent == p->percent)
        return;
    p->percent = percent;
    fprintf(p->err, "\r%3d %%", percent);
    fflush(p->err);
}

static enum command_exit print_collected(struct command_line *line, const struct state_gc_result *r, int64_t before,
                                         int64_t after)
{
    struct json *shown = json_object(line->arena);

    if (line->json) {
        json_set_int(line->arena, shown, STR("nodes"), r->nodes);
        json_set_int(line->arena, shown, STR("bytes"), r->bytes);
        json_set_int(line->arena, shown, STR("removed_nodes"), r->removed_nodes);
        json_set_int(line->arena, shown, STR("removed_bytes"), r->removed_bytes);
        if (before) {
            json_set_int(line->arena, shown, STR("file_bytes_before"), before);
            json_set_int(line->arena, shown, STR("file_bytes"), after);
        }
        return command_print_json(line, shown);
    }
    fprintf(line->out, "Removed %lld of %lld nodes of room states, %lld of %lld bytes\n", (long long)r->removed_nodes,
            (long long)r->nodes, (long long)r->removed_bytes, (long long)r->bytes);
    if (after < before)
        fprintf(line->out, "The database file has %lld bytes, %lld fewer\n", (long long)after,
                (long long)(before - after));
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

enum command_exit command_db_gc(struct command_line *line)
{
    const char *path = NULL;
    struct store *store = open_database(line, &path);
    struct progress shown = {line->err, -1};
    struct state_gc_progress progress = {show_progress, &shown};
    struct state_gc_result result;
    struct store_error error = {.text = ""};

    if (!store)
        return COMMAND_FAILED;
    bool terminal = isatty(fileno(line->err));
    int64_t before = size_of(path);
    bool ok = state_gc_run(store, terminal ? &progress : NULL, &result, &error) &&
              (!command_flag(line, "--compact") || state_gc_compact(store, &error));
    if (terminal)
        fputs("\r     \r", line->err);
    store_close(&store); /* copies the log into the file */
    if (!ok)
        return command_fail(line, COMMAND_FAILED, "%s", error.text);
    return print_collected(line, &result, before, size_of(path));
}

/* --- copying --- */

static struct store *open_one(struct command_line *line, const char *path, struct str server_name, bool create)
{
    struct store *store = NULL;
    struct store_error error = {.text = ""};
    struct store_options options = {.path = path, .server_name = server_name, .create = create, .only_read = !create};

    if (!store_open(&options, &store, &error))
        command_fail(line, COMMAND_FAILED, "%s: %s", create ? "TO" : "FROM", error.text);
    return store;
}

static enum command_exit print_copied(struct command_line *line, const struct copy_result *r)
{
    struct json *shown = json_object(line->arena);

    if (line->json) {
        json_set_int(line->arena, shown, STR("tables"), r->tables);
        json_set_int(line->arena, shown, STR("rows"), r->rows);
        return command_print_json(line, shown);
    }
    fprintf(line->out, "Copied %lld rows of %lld tables\n", (long long)r->rows, (long long)r->tables);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static enum command_exit copy_between(struct command_line *line, struct store *from, struct store *to)
{
    struct progress shown = {line->err, -1};
    struct copy_progress progress = {show_progress, &shown};
    struct copy_result result;
    struct store_error error;
    bool terminal = isatty(fileno(line->err));
    bool ok = copy_run(from, to, terminal ? &progress : NULL, &result, &error);

    if (terminal)
        fputs("\r     \r", line->err);
    return ok ? print_copied(line, &result) : command_fail(line, COMMAND_FAILED, "%s", error.text);
}

/* Of files, also by links. */
static bool are_same(const char *from, const char *to)
{
    struct stat a, b;
    return strcmp(from, to) == 0 ||
           (stat(from, &a) == 0 && stat(to, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

enum command_exit command_db_copy(struct command_line *line)
{
    enum command_exit code = COMMAND_FAILED;

    for (size_t i = 0; i < 2; i++) {
        const char *complaint = strstr(line->args[i], "://") ? store_url_complaint(line->args[i]) : NULL;
        if (complaint)
            return command_fail(line, COMMAND_USAGE, "%s %s", i == 0 ? "FROM" : "TO", complaint);
    }
    if (are_same(line->args[0], line->args[1]))
        return command_fail(line, COMMAND_USAGE, "FROM and TO are the same");
    struct config *config = command_load_config(line, true);
    if (!config)
        return COMMAND_FAILED;
    struct store *from = open_one(line, line->args[0], config->server_name, false);
    struct store *to = from ? open_one(line, line->args[1], config->server_name, true) : NULL;
    if (to)
        code = copy_between(line, from, to);
    store_close(&to);
    store_close(&from);
    config_free(&config);
    return code;
}
