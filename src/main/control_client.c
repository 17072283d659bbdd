#include "main/control_client.h"

#include "base/buf.h"
#include "base/memory.h"
#include "main/data_folder.h"
#include "main/server.h"
#include "service/control.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX  ((size_t)64 << 20)
#define TIMEOUT_MS  60000L
#define TRIES       20
#define TRY_WAIT_MS 150

/* What became of one way of reaching the data. */
enum reached {
    REACHED,   /* there is a result, or a complaint that is final */
    NOT_THERE, /* nobody listens */
    BUSY,      /* another process has the database open: a server that does not listen yet, or any more */
};

struct attempt {
    struct command_line *line;
    struct config *config;
    const char *command;
    const struct json *args;
    const struct json *result;
    struct str complaint;
};

static size_t collect(char *bytes, size_t size, size_t count, void *ctx)
{
    struct buf *answer = ctx;

    buf_add_bytes(answer, bytes, size * count);
    return buf_ok(answer) ? size * count : 0;
}

/* {"result": ...} or a Matrix error. */
static enum reached read_answer(struct attempt *t, struct str text)
{
    struct arena *a = t->line->arena;
    struct json_result parsed = json_parse(a, str_copy(a, text), JSON_DEPTH_MAX);
    const struct json *result = json_get(parsed.value, STR("result"));
    struct str error = json_str_at(parsed.value, STR("error"));

    if (json_is(result, JSON_OBJECT)) {
        t->result = result;
        return REACHED;
    }
    t->complaint = error.p ? error : STR("the answer of the server is not understood");
    return REACHED;
}

static enum reached forbidden(struct attempt *t, const char *path)
{
    t->complaint = str_fmt(t->line->arena, "this user has no access to %s: run the command as the server's user", path);
    return REACHED;
}

static enum reached failure(struct attempt *t, CURLcode code, const char *path)
{
    if (code != CURLE_COULDNT_CONNECT) {
        t->complaint = str_fmt(t->line->arena, "the server at %s does not answer: %s", path, curl_easy_strerror(code));
        return REACHED;
    }
    return access(path, W_OK) == 0 || errno != EACCES ? NOT_THERE : forbidden(t, path);
}

static enum reached ask_server(struct attempt *t, const char *path)
{
    struct json *body = json_object(t->line->arena);
    struct buf answer;
    struct stat info;

    if (stat(path, &info) != 0)
        return errno == EACCES ? forbidden(t, path) : NOT_THERE;
    json_set_str(t->line->arena, body, STR("command"), str_of(t->command));
    json_set(t->line->arena, body, STR("args"), *t->args);
    struct str text = json_text(t->line->arena, body);

    CURL *curl = curl_easy_init();
    if (!curl)
        memory_exhausted(0);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    buf_init(&answer, ANSWER_MAX);
    curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/_hearth/control");
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)text.n);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text.p);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    enum reached reached = code == CURLE_OK ? read_answer(t, buf_str(&answer)) : failure(t, code, path);
    buf_fini(&answer);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reached;
}

/* Takes t->config. */
static enum reached use_database(struct attempt *t)
{
    struct arena *a = t->line->arena;
    struct store_error error = {.text = ""};
    struct server server;
    const char *path = server_path(a, t->config, SERVER_DATABASE);

    bool is_file = t->config->database.n == 0;

    if (is_file && access(path, F_OK) == 0 && access(path, R_OK | W_OK) != 0)
        return forbidden(t, path);
    if (is_file && access(path, F_OK) != 0) {
        const char *reason = strerror(errno);
        struct str absolute = data_folder_absolute(a, str_of(path));
        t->complaint = str_fmt(a, "there is no database %.*s: %s. Start the server once: hearth serve%s",
                               STR_ARG(absolute), reason,
                               str_eq(absolute, str_of(path)) ? ""
                                                              : " (database_path is relative: it counts from the "
                                                                "folder in which server and commands are started)");
        return REACHED;
    }
    bool open = server_open(&server, t->config, false, &error);
    t->config = NULL;
    if (!open) {
        t->complaint = str_copy(a, str_of(error.text));
        return error.busy ? BUSY : REACHED;
    }
    struct fault fault = control_run(&server.services, a, str_of(t->command), t->args, &t->result);
    if (fault.code) {
        t->result = NULL;
        t->complaint = str_copy(a, fault.message);
    } else {
        t->result = json_deep_copy(a, t->result);
    }
    server_close(&server);
    return REACHED;
}

/* One try of both ways. */
static enum reached reach(struct attempt *t)
{
    t->config = command_load_config(t->line, false);
    if (!t->config)
        return REACHED; /* what is wrong has been said */
    enum reached reached = ask_server(t, server_path(t->line->arena, t->config, SERVER_SOCKET));
    if (reached == NOT_THERE)
        reached = use_database(t);
    config_free(&t->config);
    return reached;
}

const struct json *control_client_run(struct command_line *line, const char *command, const struct json *args)
{
    struct attempt t = {.line = line, .command = command, .args = args};
    const struct timespec wait = {.tv_nsec = TRY_WAIT_MS * 1000000L};
    enum reached reached = reach(&t);

    for (int i = 1; i < TRIES && reached == BUSY; i++) {
        nanosleep(&wait, NULL);
        reached = reach(&t);
    }
    if (!t.result && t.complaint.n > 0)
        command_fail(line, COMMAND_FAILED, "%.*s", STR_ARG(t.complaint));
    return t.result;
}
