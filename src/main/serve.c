#include "main/serve.h"

#include "api/dispatch.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/thread.h"
#include "http/server.h"
#include "main/data_folder.h"
#include "main/notify.h"
#include "main/server.h"
#include "main/welcome.h"
#include "service/account_departure.h"
#include "service/profile_rooms.h"
#include "service/typing.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS          1000
#define SECOND_SIGNAL_MS 500
#define TRIM_MS          60000
#define WATCH_MS         5000 /* between looks at the files that must stay */
#define SOCKET_MODE      0600
#define FILES_MAX        ((rlim_t)1 << 20)

struct serving {
    struct command_line *line;
    struct server server;
    struct dispatch *dispatch;
    struct http_server *http;
    int first_listener; /* the one that the welcome names */
    int64_t watchdog_ms, watchdog_due_ms;
    int64_t trim_due_ms;
    struct data_folder_watch folder;
    int64_t folder_due_ms;
    atomic_bool stopped;
};

/* --- what the process needs --- */

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Before the first thread: all inherit it. */
static void block_signals(sigset_t *awaited_out)
{
    sigemptyset(awaited_out);
    sigaddset(awaited_out, SIGTERM);
    sigaddset(awaited_out, SIGINT);
    sigaddset(awaited_out, SIGHUP);
    pthread_sigmask(SIG_BLOCK, awaited_out, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void warn_of_foreign_database(const struct serving *s)
{
    const char *current = server_path(s->line->arena, s->server.config, "CURRENT");
    const char *identity = server_path(s->line->arena, s->server.config, "IDENTITY");

    if (access(current, F_OK) == 0 && access(identity, F_OK) == 0)
        log_warn("database_path holds a RocksDB database too, of conduwuit or Tuwunel it seems; it is not used",
                 LOG_STR("path", s->server.config->database_path));
    const char *file = server_path(s->line->arena, s->server.config, SERVER_DATABASE);
    if (s->server.config->database.n > 0 && access(file, F_OK) == 0)
        log_warn("database_path holds an SQLite database too; it is not used, because database is set",
                 LOG_CSTR("path", file));
}

/* --- network --- */

static void wake(void *ctx, uint64_t key)
{
    http_server_wake(ctx, key);
}

static void wake_group(void *ctx, const struct wake_group *group)
{
    http_server_wake_group(ctx, group);
}

static bool listen_all(struct serving *s)
{
    const struct config *c = s->server.config;

    for (size_t i = 0; i < c->address.count; i++) {
        for (size_t j = 0; j < c->port.count; j++) {
            const char *address = str_cstr(s->line->arena, c->address.items[i]);
            int listener = http_server_listen_tcp(s->http, address, (uint16_t)c->port.items[j]);
            if (listener < 0) {
                log_error("the server cannot start", LOG_CSTR("cannot_listen_on", address),
                          LOG_INT("port", c->port.items[j]));
                return false;
            }
            s->first_listener = i == 0 && j == 0 ? listener : s->first_listener;
        }
    }
    const char *path = server_path(s->line->arena, c, SERVER_SOCKET);
    int control = http_server_listen_unix(s->http, path, SOCKET_MODE);
    if (control < 0)
        return false;
    http_server_reserve(s->http, control);
    dispatch_set_control(s->dispatch, (unsigned)control);
    return true;
}

static bool start_network(struct serving *s)
{
    const struct config *c = s->server.config;
    const char **proxies = ARENA_ARRAY(s->line->arena, c->trusted_proxies.count, const char *);

    for (size_t i = 0; i < c->trusted_proxies.count; i++)
        proxies[i] = str_cstr(s->line->arena, c->trusted_proxies.items[i]);
    struct http_server_options options = {
        .io_threads = (unsigned)c->io_threads,
        .worker_threads = (unsigned)c->worker_threads,
        .slow_threads_max = (unsigned)c->slow_threads,
        .max_connections = (unsigned)c->max_connections,
        .max_connections_per_address = (unsigned)c->max_connections_per_address,
        .response_memory_max = (size_t)c->max_response_memory,
        .idle_timeout_ms = c->client_receive_timeout_ms,
        .trusted_proxies = proxies,
        .trusted_proxy_count = c->trusted_proxies.count,
    };
    struct dispatch_options dispatch_options = {
        .services = &s->server.services,
        .routes = api_routes,
        .max_request_size = (size_t)c->max_request_size,
    };

    s->dispatch = dispatch_new(&dispatch_options);
    struct http_callbacks callbacks = dispatch_callbacks(s->dispatch);
    s->http = http_server_new(&options, &callbacks);
    if (!s->http)
        return false;
    s->server.wake.fn = wake;
    s->server.wake.group_fn = wake_group;
    s->server.wake.ctx = s->http;
    return listen_all(s) && http_server_start(s->http);
}

/* --- what it says --- */

/* "127.0.0.1:8008", "[::1]:8008". */
static struct str listener_text(const struct serving *s, size_t address, int listener)
{
    struct str host = s->server.config->address.items[address];
    bool v6 = str_find(host, ':') < host.n;

    return str_fmt(s->line->arena, "%s%.*s%s:%" PRIu16, v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "",
                   http_server_port(s->http, listener));
}

static void say_ready(const struct serving *s, int64_t began_us)
{
    const struct config *c = s->server.config;
    struct str all = STR("");

    for (size_t i = 0; i < c->address.count; i++) {
        for (size_t j = 0; j < c->port.count; j++) {
            int listener = s->first_listener + (int)(i * c->port.count + j);
            struct str one = listener_text(s, i, listener);
            all = str_fmt(s->line->arena, "%.*s%s%.*s", STR_ARG(all), all.n > 0 ? ", " : "", STR_ARG(one));
        }
    }
    log_info("ready", LOG_STR("server_name", c->server_name), LOG_STR("listen", all),
             LOG_STR("database_path", data_folder_absolute(s->line->arena, c->database_path)),
             LOG_CSTR("version", HEARTH_VERSION), LOG_INT("start_us", clock_mono_us() - began_us));
}

static void say_report(const struct config_report *report)
{
    for (size_t i = 0; i < config_report_kept(report->error_count); i++)
        log_error("configuration", LOG_STR("error", report->errors[i]));
    for (size_t i = 0; i < config_report_kept(report->warning_count); i++)
        log_warn("configuration", LOG_STR("warning", report->warnings[i]));
}

/* --- while it runs --- */

/* A server does not become another one: rather than to take a part of such a file, it takes nothing of it. */
static void refuse_new_name(const struct serving *s, struct config **config)
{
    struct str name = s->server.config->server_name;

    if (!*config || str_eq((*config)->server_name, name))
        return;
    log_error("configuration: a server's name cannot be changed", LOG_STR("server_name", (*config)->server_name),
              LOG_STR("the_database_belongs_to", name));
    config_free(config);
}

static void reload(struct serving *s)
{
    const char *path = command_config_path(s->line);
    struct arena *a = arena_new();
    struct config_report report;

    notify_reloading();
    config_report_init(&report);
    struct config *config = path ? config_load(path, s->line->environment, &report) : NULL;
    say_report(&report);
    refuse_new_name(s, &config);
    if (config) {
        struct str restart = server_restart_options(&s->server, a, config);
        server_reload(&s->server, config);
        log_setup(config->log_level, config->log_format, STDERR_FILENO);
        if (restart.n > 0)
            log_warn("these options change with the next start only", LOG_STR("options", restart));
        log_info("configuration read again");
    } else {
        log_error("the configuration stays as it was");
    }
    config_report_fini(&report);
    arena_free(&a);
    notify_ready();
}

static void tick(struct serving *s)
{
    int64_t now = clock_mono_ms();

    typing_expire(&s->server.services);
    account_departure_tick(&s->server.services);
    profile_rooms_tick(&s->server.services);
    if (s->watchdog_ms > 0 && now >= s->watchdog_due_ms) {
        notify_watchdog();
        s->watchdog_due_ms = now + s->watchdog_ms;
    }
    if (now >= s->folder_due_ms) {
        (void)data_folder_watch_look(&s->folder);
        s->folder_due_ms = now + WATCH_MS;
    }
    if (now >= s->trim_due_ms) {
        malloc_trim(0);
        s->trim_due_ms = now + TRIM_MS;
    }
}

/* Waits for signals until one says stop. */
static void run(struct serving *s, const sigset_t *awaited)
{
    int64_t next_ms = clock_mono_ms() + TICK_MS;

    for (;;) {
        int64_t wait_ms = next_ms - clock_mono_ms();
        wait_ms = wait_ms < 0 ? 0 : wait_ms;
        struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
        int number = sigtimedwait(awaited, NULL, &wait);
        if (number == SIGHUP)
            reload(s);
        if (number == SIGTERM || number == SIGINT)
            return;
        if (clock_mono_ms() >= next_ms) {
            tick(s);
            next_ms = clock_mono_ms() + TICK_MS;
        }
    }
}

static void close_all(struct serving *s)
{
    http_server_free(&s->http);
    dispatch_free(&s->dispatch);
    s->server.wake = (struct wake){0};
    server_close(&s->server);
}

/* While the server drains: another signal means "at once". Whatever comes within moments is the same wish said twice,
 * by those who signal both a process and its group. */
static void await_second_signal(void *arg)
{
    struct serving *s = arg;
    const struct timespec wait = {.tv_nsec = 50 * 1000000L};
    int64_t from_ms = clock_mono_ms() + SECOND_SIGNAL_MS;
    sigset_t awaited;

    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    while (!atomic_load(&s->stopped)) {
        if (sigtimedwait(&awaited, NULL, &wait) > 0 && clock_mono_ms() >= from_ms) {
            log_warn("stopped at once");
            _exit(COMMAND_FAILED);
        }
    }
}

static void stop(struct serving *s)
{
    struct thread second;
    bool watched = thread_start(&second, "signals", 0, await_second_signal, s);

    notify_stopping();
    log_info("stopping");
    if (!http_server_drain(s->http, server_newest(&s->server)->client_shutdown_timeout_ms))
        log_warn("stopped with requests in work");
    close_all(s);
    atomic_store(&s->stopped, true);
    if (watched)
        thread_join(&second);
}

/* glibc gives each thread a heap of its own to grow; with dozens of threads that holds on to memory that others could
 * use. Measured with 10,000 requests parked in /sync: 13.3 KB each instead of 14.4, and woken a quarter faster.
 *
 * Large blocks come from the system one by one and go back to it at once. The thresholds are set because glibc raises
 * them by itself, up to 32 MiB, when such blocks are freed: after many large bodies they would stay in the heaps,
 * behind small ones that still live. What is free inside a heap is given back by tick(). */
static void share_heaps(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

enum command_exit serve_run(struct command_line *line, struct config *config, bool welcome)
{
    struct serving s = {.line = line, .watchdog_ms = notify_watchdog_ms()};
    int64_t began_us = clock_mono_us();
    struct store_error error = {.text = ""};
    sigset_t awaited;

    umask(077);
    share_heaps();
    block_signals(&awaited);
    raise_file_limit();
    if (!server_open(&s.server, config, true, &error)) {
        log_error("the server cannot start", LOG_CSTR("reason", error.text));
        return error.foreign ? COMMAND_CONFIG : COMMAND_FAILED;
    }
    warn_of_foreign_database(&s);
    if (!start_network(&s)) {
        close_all(&s);
        return COMMAND_FAILED;
    }
    data_folder_watch_init(&s.folder, line->arena, s.server.config);
    say_ready(&s, began_us);
    if (welcome)
        welcome_print(line, &s.server.services, listener_text(&s, 0, s.first_listener));
    notify_ready();
    run(&s, &awaited);
    stop(&s);
    log_info("stopped");
    return COMMAND_OK;
}

enum command_exit command_serve(struct command_line *line)
{
    const char *path = command_config_path(line);
    struct config_report report;

    if (!path) {
        (void)command_config_check(line); /* which says so */
        return COMMAND_CONFIG;
    }
    config_report_init(&report);
    struct config *config = config_load(path, line->environment, &report);
    log_setup(config ? config->log_level : LOG_LEVEL_INFO, config ? config->log_format : LOG_FORMAT_TEXT,
              STDERR_FILENO);
    say_report(&report);
    config_report_fini(&report);
    if (!config)
        return COMMAND_CONFIG;
    struct str astray = data_folder_astray(line->arena, config, path, line->environment);
    if (astray.n > 0) {
        log_error("the server does not start", LOG_STR("reason", astray));
        config_free(&config);
        return COMMAND_CONFIG;
    }
    return serve_run(line, config, command_flag(line, "--welcome") != NULL);
}
