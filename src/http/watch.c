#include "base/clock.h"
#include "base/log.h"
#include "http/server_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long not to accept when there are too many connections or descriptors: they wait in the backlog. */
static const int64_t pause_ms = 20;
static const int64_t linger_ms = 3000;
static const int64_t warn_every_ms = 10000;
static const unsigned accepts_at_once = 64;

/* What an event is about stands in the top bits of its data. */
enum watched { WATCHED_EVENT, WATCHED_LISTENER, WATCHED_PARKED, WATCHED_LINGER };
static const unsigned watched_shift = 56;

static uint64_t watched_data(enum watched kind, uint64_t number)
{
    return (uint64_t)kind << watched_shift | number;
}

static bool epoll_add(struct watch *w, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void epoll_remove(struct watch *w, int fd)
{
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* --- parked requests --- */

void watch_poke(struct http_server *s)
{
    eventfd_write(s->watch.event, 1);
}

void watch_rerun(struct http_server *s, struct park_entry *list)
{
    struct watch *w = &s->watch;
    if (!list)
        return;
    mutex_lock(&w->woken_lock);
    bool was_empty = !w->woken;
    *w->woken_tail = list;
    while (*w->woken_tail)
        w->woken_tail = &(*w->woken_tail)->next;
    mutex_unlock(&w->woken_lock);
    if (was_empty)
        watch_poke(s);
}

void watch_flush_woken(struct http_server *s)
{
    struct watch *w = &s->watch;
    mutex_lock(&w->woken_lock);
    struct park_entry *list = w->woken;
    w->woken = NULL;
    w->woken_tail = &w->woken;
    mutex_unlock(&w->woken_lock);
    exchange_rerun(s, list, false);
}

void watch_add_parked(struct http_server *s, int fd, uint64_t id)
{
    /* Should the system refuse, the deadline still ends the request. */
    if (!epoll_add(&s->watch, fd, EPOLLRDHUP, watched_data(WATCHED_PARKED, id)))
        log_warn("cannot watch a parked connection", LOG_INT("errno", errno));
}

void watch_remove_parked(struct http_server *s, int fd)
{
    epoll_remove(&s->watch, fd);
}

static void on_parked_gone(struct http_server *s, uint64_t id)
{
    struct park_entry *e = park_table_take(&s->parks, id);
    if (!e)
        return;
    atomic_fetch_add(&s->parked_gone_total, 1);
    exchange_drop(s, e);
}

/* --- lingering closes --- */

void watch_linger(struct http_server *s, int fd)
{
    struct watch *w = &s->watch;
    mutex_lock(&w->linger_lock);
    for (unsigned i = 0; i < WATCH_LINGER_MAX && w->linger_count < WATCH_LINGER_MAX; i++) {
        struct watch_linger *l = &w->lingers[i];
        if (l->fd >= 0)
            continue;
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
            break;
        *l = (struct watch_linger){.fd = own, .until_ms = clock_mono_ms() + linger_ms};
        w->linger_count++;
        if (epoll_add(w, own, EPOLLIN, watched_data(WATCHED_LINGER, i)))
            break;
        close(own);
        l->fd = -1;
        w->linger_count--;
        break;
    }
    mutex_unlock(&w->linger_lock);
}

static void linger_close(struct watch *w, struct watch_linger *l)
{
    mutex_assert_held(&w->linger_lock);
    /* Before it is closed: the descriptor of libmicrohttpd may keep the socket, and with it its place in the set. */
    epoll_remove(w, l->fd);
    close(l->fd);
    l->fd = -1;
    w->linger_count--;
}

static void on_linger_readable(struct watch *w, uint64_t index)
{
    char forgotten[16384];
    mutex_lock(&w->linger_lock);
    struct watch_linger *l = &w->lingers[index];
    if (l->fd >= 0) {
        ssize_t n = recv(l->fd, forgotten, sizeof forgotten, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            linger_close(w, l);
    }
    mutex_unlock(&w->linger_lock);
}

/* Closes those whose time is up; returns when to look again. */
static int64_t expire_lingers(struct watch *w, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    mutex_lock(&w->linger_lock);
    for (unsigned i = 0; i < WATCH_LINGER_MAX && w->linger_count > 0; i++) {
        struct watch_linger *l = &w->lingers[i];
        if (l->fd >= 0 && l->until_ms <= now_ms)
            linger_close(w, l);
        else if (l->fd >= 0 && l->until_ms < next_ms)
            next_ms = l->until_ms;
    }
    mutex_unlock(&w->linger_lock);
    return next_ms;
}

/* --- listeners --- */

static void set_accepting(struct http_server *s, bool reserved, bool accepting)
{
    if (atomic_load(&s->watch.listeners_closed))
        return;
    for (unsigned i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].reserved != reserved)
            continue;
        struct epoll_event e = {.events = accepting ? EPOLLIN : 0, .data.u64 = watched_data(WATCHED_LISTENER, i)};
        epoll_ctl(s->watch.epoll, EPOLL_CTL_MOD, s->listeners[i].fd, &e);
    }
}

/* Those that are not accepted wait in the backlog. */
static void pause_accepting(struct http_server *s, bool reserved)
{
    set_accepting(s, reserved, false);
    s->watch.paused_until_ms[reserved] = clock_mono_ms() + pause_ms;
}

/* Accepts again where it is time to; returns when to look again. */
static int64_t resume_accepting(struct http_server *s, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    for (unsigned reserved = 0; reserved < 2; reserved++) {
        int64_t *until_ms = &s->watch.paused_until_ms[reserved];
        if (*until_ms && *until_ms <= now_ms) {
            *until_ms = 0;
            set_accepting(s, reserved, true);
        }
        if (*until_ms && *until_ms < next_ms)
            next_ms = *until_ms;
    }
    return next_ms;
}

static bool may_warn(struct watch *w, enum watch_warning warning)
{
    int64_t now_ms = clock_mono_ms(), *warned_ms = &w->warned_ms[warning];
    if (*warned_ms && now_ms - *warned_ms < warn_every_ms)
        return false;
    *warned_ms = now_ms;
    return true;
}

static void wait_for_room(struct http_server *s, bool reserved)
{
    if (may_warn(&s->watch, WATCH_FULL))
        log_warn("too many connections: more have to wait", LOG_CSTR("of", reserved ? "the reserve" : "all"),
                 LOG_INT("max", reserved ? CONNECTIONS_RESERVED : (int64_t)s->connections.max));
    pause_accepting(s, reserved);
}

static void refuse_peer(struct http_server *s, const struct peer *peer)
{
    char address[PEER_TEXT_MAX];
    if (may_warn(&s->watch, WATCH_ADDRESS_FULL))
        log_warn("too many connections of one address: more are closed",
                 LOG_STR("address", peer_client(&s->trust, peer, NULL, 0, address)),
                 LOG_INT("max", s->connections.max_per_address));
}

/* Whether to try the next one after accept4() has failed. */
static bool on_accept_error(struct http_server *s, bool reserved, int error)
{
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return error == EINTR || error == ECONNABORTED;
    if (may_warn(&s->watch, WATCH_NO_DESCRIPTORS))
        log_warn("cannot accept connections: the system has no more descriptors or memory", LOG_INT("errno", error));
    pause_accepting(s, reserved);
    return false;
}

/* False if there is nothing more to accept for now. */
static bool accept_one(struct http_server *s, unsigned index)
{
    const struct listener *listener = &s->listeners[index];
    bool reserved = listener->reserved;
    if (!connections_have_room(&s->connections, reserved)) {
        wait_for_room(s, reserved);
        return false;
    }
    struct peer peer = {.listener = index, .reserved = reserved};
    socklen_t size = sizeof peer.address;
    int fd = accept4(listener->fd, &peer.address.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return on_accept_error(s, reserved, errno);
    if (listener->path[0])
        peer.address.any.sa_family = AF_UNIX;
    if (connections_take(&s->connections, &peer) != CONNECTIONS_TAKEN) {
        refuse_peer(s, &peer);
        close(fd);
        return true;
    }
    /* It copies all of `size` bytes and gives them back with MHD_CONNECTION_INFO_CLIENT_ADDRESS. If it fails, it closes
     * the socket, and tells nobody: what it takes goes to an I/O thread first, and is notified from there. */
    if (MHD_add_connection(s->daemon, fd, &peer.address.any, sizeof peer) != MHD_YES)
        connections_give_back(&s->connections, &peer);
    return true;
}

static void on_connection(struct http_server *s, uint64_t index)
{
    for (unsigned i = 0; i < accepts_at_once && !atomic_load(&s->watch.listeners_closed); i++) {
        if (!accept_one(s, (unsigned)index))
            return;
    }
}

void watch_close_listeners(struct http_server *s)
{
    if (atomic_exchange(&s->watch.listeners_closed, true))
        return;
    /* The watch thread may be about to accept from one: it then fails with EBADF or EINVAL, not on another socket, for
     * shutdown() wakes it and the descriptors stay ours until it has ended. */
    for (unsigned i = 0; i < s->listener_count; i++) {
        epoll_remove(&s->watch, s->listeners[i].fd);
        shutdown(s->listeners[i].fd, SHUT_RDWR);
    }
}

/* --- the thread --- */

static void on_event(struct http_server *s, uint64_t data)
{
    uint64_t number = data & (((uint64_t)1 << watched_shift) - 1);
    switch ((enum watched)(data >> watched_shift)) {
    case WATCHED_EVENT: {
        eventfd_t ignored;
        eventfd_read(s->watch.event, &ignored);
        watch_flush_woken(s);
        break;
    }
    case WATCHED_LISTENER:
        on_connection(s, number);
        break;
    case WATCHED_PARKED:
        on_parked_gone(s, number);
        break;
    case WATCHED_LINGER:
        on_linger_readable(&s->watch, number);
        break;
    }
}

/* Does what is due; returns how many milliseconds until something else is. */
static int on_time(struct http_server *s)
{
    struct watch *w = &s->watch;
    int64_t now_ms = clock_mono_ms();
    exchange_rerun(s, park_table_expired(&s->parks, now_ms), true);
    int64_t next_ms = expire_lingers(w, now_ms);
    int64_t late_ms = deadlines_enforce(&s->deadlines, now_ms);
    if (late_ms < next_ms)
        next_ms = late_ms;
    int64_t resume_ms = resume_accepting(s, now_ms);
    if (resume_ms < next_ms)
        next_ms = resume_ms;
    int64_t deadline_ms = park_table_next_deadline(&s->parks);
    if (deadline_ms < next_ms)
        next_ms = deadline_ms;
    int64_t wait_ms = next_ms - now_ms;
    return wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : (int)wait_ms;
}

static void watch_main(void *arg)
{
    struct http_server *s = arg;
    struct epoll_event events[128];
    while (!atomic_load(&s->watch.stopping)) {
        int n = epoll_wait(s->watch.epoll, events, 128, on_time(s));
        assert(n >= 0 || errno == EINTR);
        for (int i = 0; i < n; i++)
            on_event(s, events[i].data.u64);
    }
}

bool watch_init(struct http_server *s)
{
    struct watch *w = &s->watch;
    mutex_init(&w->woken_lock);
    w->woken_tail = &w->woken;
    mutex_init(&w->linger_lock);
    for (unsigned i = 0; i < WATCH_LINGER_MAX; i++)
        w->lingers[i].fd = -1;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->epoll >= 0 && w->event >= 0 && epoll_add(w, w->event, EPOLLIN, watched_data(WATCHED_EVENT, 0));
}

bool watch_start(struct http_server *s)
{
    struct watch *w = &s->watch;
    for (unsigned i = 0; i < s->listener_count; i++) {
        if (!epoll_add(w, s->listeners[i].fd, EPOLLIN, watched_data(WATCHED_LISTENER, i)))
            return false;
    }
    w->started = thread_start(&w->thread, "http-watch", 0, watch_main, s);
    return w->started;
}

void watch_stop(struct http_server *s)
{
    if (!s->watch.started)
        return;
    atomic_store(&s->watch.stopping, true);
    watch_poke(s);
    thread_join(&s->watch.thread);
    s->watch.started = false;
}

void watch_fini(struct http_server *s)
{
    struct watch *w = &s->watch;
    expire_lingers(w, INT64_MAX);
    if (w->event >= 0)
        close(w->event);
    if (w->epoll >= 0)
        close(w->epoll);
    mutex_fini(&w->linger_lock);
    assert(!w->woken);
    mutex_fini(&w->woken_lock);
}
