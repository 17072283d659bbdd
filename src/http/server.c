#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/response.h"
#include "http/server_parts.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How long a drain waits for the rest of a request. */
static const int64_t stalled_ms = 500;
static const unsigned connections_default = 65536;
static const unsigned connections_most = 1000000;

/* --- options --- */

static unsigned default_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 4)
        return 16;
    return cores > 16 ? 64 : 4 * (unsigned)cores;
}

/* A quarter of the descriptors is left for the database, files and requests to other servers. */
static unsigned possible_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > connections_most)
        return connections_most;
    return limit.rlim_cur < 64 ? 16 : (unsigned)(limit.rlim_cur / 4 * 3);
}

static unsigned max_connections(unsigned wanted)
{
    unsigned possible = possible_connections();
    if (wanted > possible)
        log_warn("max_connections is more than the limit of open files allows", LOG_INT("wanted", wanted),
                 LOG_INT("max", possible));
    if (wanted > 0)
        return wanted < possible ? wanted : possible;
    return possible < connections_default ? possible : connections_default;
}

static struct http_server_options with_defaults(struct http_server_options o)
{
    o.io_threads = o.io_threads ? o.io_threads : 8;
    o.worker_threads = o.worker_threads ? o.worker_threads : default_workers();
    o.slow_threads_max = o.slow_threads_max ? o.slow_threads_max : 64;
    o.queue_max = o.queue_max ? o.queue_max : 4096;
    o.max_header_bytes = o.max_header_bytes ? o.max_header_bytes : 8 << 10;
    o.max_connections = max_connections(o.max_connections);
    o.max_connections_per_address = o.max_connections_per_address ? o.max_connections_per_address : 1024;
    o.body_memory_max = o.body_memory_max ? o.body_memory_max : (size_t)512 << 20;
    o.response_memory_max = o.response_memory_max ? o.response_memory_max : (size_t)512 << 20;
    o.idle_timeout_ms = o.idle_timeout_ms > 0 ? o.idle_timeout_ms : 60000;
    o.trusted_proxies = NULL;
    return o;
}

struct http_server *http_server_new(const struct http_server_options *options, const struct http_callbacks *callbacks)
{
    struct http_server *s = memory_calloc(1, sizeof *s);
    size_t bad = 0;
    s->callbacks = *callbacks;
    if (!peer_trust_init(&s->trust, options->trusted_proxies, options->trusted_proxy_count, &bad)) {
        log_error("not an address or network of a trusted proxy", LOG_CSTR("entry", options->trusted_proxies[bad]));
        free(s);
        return NULL;
    }
    s->options = with_defaults(*options);
    s->connection_memory = s->options.max_header_bytes + RESPONSE_HEAD_MAX;
    connections_init(&s->connections, s->options.max_connections, s->options.max_connections_per_address, &s->trust);
    deadlines_init(&s->deadlines, s->options.idle_timeout_ms);
    park_table_init(&s->parks);
    response_memory_init(&s->response_memory, s->options.response_memory_max);
    if (!watch_init(s)) {
        log_error("the system refuses an epoll or event descriptor");
        http_server_free(&s);
    }
    return s;
}

/* --- listeners --- */

static int add_listener(struct http_server *s, bool opened)
{
    assert(!s->started && s->listener_count < HTTP_MAX_LISTENERS);
    return opened ? (int)s->listener_count++ : -1;
}

int http_server_listen_tcp(struct http_server *s, const char *address, uint16_t port)
{
    return add_listener(s, listener_open_tcp(&s->listeners[s->listener_count], address, port));
}

int http_server_listen_unix(struct http_server *s, const char *path, unsigned mode)
{
    return add_listener(s, listener_open_unix(&s->listeners[s->listener_count], path, mode));
}

void http_server_reserve(struct http_server *s, int listener)
{
    assert(!s->started && listener >= 0 && (unsigned)listener < s->listener_count);
    s->listeners[listener].reserved = true;
}

uint16_t http_server_port(const struct http_server *s, int listener)
{
    assert(listener >= 0 && (unsigned)listener < s->listener_count);
    return s->listeners[listener].port;
}

/* --- start --- */

/* Paths stay raw; the query is not even seen by libmicrohttpd. */
static size_t no_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return str_of(text).n;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = deadline_new(&s->deadlines, fd);
        return;
    }
    struct deadline *deadline = *socket_context;
    deadline_free(&deadline);
    *socket_context = NULL;
    const struct peer *peer =
        (const struct peer *)MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    connections_give_back(&s->connections, peer);
}

/* Its threads inherit the signal mask: signals are for the program's own threads. */
static void block_signals(sigset_t *old_out)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old_out);
}

static bool start_daemon(struct http_server *s)
{
    sigset_t old;
    block_signals(&old);
    const struct http_server_options *o = &s->options;
    /* Its own limit, shared out among its threads, must never be met: a connection that it refuses after it has been
     * handed to a thread is closed without a word, and would stay counted. */
    unsigned limit = (o->max_connections + CONNECTIONS_RESERVED + 1) * o->io_threads;
    unsigned timeout_s = (unsigned)((o->idle_timeout_ms + 999) / 1000);
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        exchange_access, s, MHD_OPTION_THREAD_POOL_SIZE, o->io_threads, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->connection_memory, MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
        MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, s,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s->daemon != NULL;
}

static bool start_workers(struct http_server *s)
{
    const struct http_server_options *o = &s->options;
    if (!worker_pool_start(&s->workers, "worker", o->worker_threads, o->worker_threads, o->queue_max, exchange_run, s))
        return false;
    if (worker_pool_start(&s->slow_workers, "slow", 0, o->slow_threads_max, o->queue_max, exchange_run, s))
        return true;
    worker_pool_stop(&s->workers, exchange_discard);
    worker_pool_fini(&s->workers);
    return false;
}

bool http_server_start(struct http_server *s)
{
    assert(!s->started);
    if (!start_workers(s)) {
        log_error("the system refuses worker threads");
        return false;
    }
    s->started = true;
    if (start_daemon(s) && watch_start(s))
        return true;
    log_error("the system refuses the HTTP server's threads");
    return false;
}

/* --- waking --- */

void http_server_wake(struct http_server *s, uint64_t key)
{
    watch_rerun(s, park_table_wake(&s->parks, key));
}

void http_server_wake_group(struct http_server *s, const struct wake_group *group)
{
    watch_rerun(s, park_table_wake_group(&s->parks, group));
}

uint64_t http_server_wake_seq(const struct http_server *s)
{
    return park_table_seq(&s->parks);
}

/* --- stop --- */

/* Whether nothing is left to wait for. Of a client that vanishes in the middle of its request libmicrohttpd often
 * learns only at the idle timeout: those of which nothing more comes are not waited for. */
static bool is_drained(struct http_server *s, int64_t now_ms)
{
    return atomic_load(&s->requests) == 0 ||
           (atomic_load(&s->complete) == 0 && now_ms - atomic_load(&s->received_ms) >= stalled_ms);
}

bool http_server_drain(struct http_server *s, int64_t timeout_ms)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    int64_t now_ms = clock_mono_ms(), until_ms = now_ms + timeout_ms;
    atomic_store(&s->received_ms, now_ms);
    atomic_store(&s->draining, true);
    watch_close_listeners(s);
    exchange_rerun(s, park_table_close(&s->parks), true);
    for (; !is_drained(s, now_ms); now_ms = clock_mono_ms()) {
        if (now_ms >= until_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* From here on no connection stays suspended: new requests are answered 503 at once. */
static void stop_threads(struct http_server *s)
{
    atomic_store(&s->draining, true);
    watch_close_listeners(s);
    exchange_drop(s, park_table_close(&s->parks));
    worker_pool_stop(&s->workers, exchange_discard);
    worker_pool_stop(&s->slow_workers, exchange_discard);
    watch_stop(s);
    watch_flush_woken(s);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    worker_pool_fini(&s->workers);
    worker_pool_fini(&s->slow_workers);
    assert(atomic_load(&s->requests) == 0);
}

void http_server_free(struct http_server **server)
{
    struct http_server *s = *server;
    if (!s)
        return;
    if (s->started)
        stop_threads(s);
    for (unsigned i = 0; i < s->listener_count; i++)
        listener_close(&s->listeners[i]);
    watch_fini(s);
    response_memory_fini(&s->response_memory);
    park_table_fini(&s->parks);
    deadlines_fini(&s->deadlines);
    connections_fini(&s->connections);
    peer_trust_fini(&s->trust);
    free(s);
    *server = NULL;
}

struct http_server_stats http_server_stats(struct http_server *s)
{
    struct http_server_stats stats = {
        .requests = atomic_load(&s->requests),
        .parked = (unsigned)park_table_count(&s->parks),
        .requests_total = atomic_load(&s->requests_total),
        .refused_total = atomic_load(&s->refused_total),
        .parked_gone_total = atomic_load(&s->parked_gone_total),
        .queued_gone_total = atomic_load(&s->queued_gone_total),
    };
    stats.response_memory = response_memory_held(&s->response_memory);
    stats.connections = connections_count(&s->connections);
    if (s->started) {
        unsigned queued = 0, slow_queued = 0, threads = 0;
        worker_pool_counts(&s->workers, &queued, &threads);
        worker_pool_counts(&s->slow_workers, &slow_queued, &stats.slow_threads);
        stats.queued = queued + slow_queued;
    }
    return stats;
}
