#include "http/listener.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Clients that wait to be accepted; the system lowers it to net.core.somaxconn. */
static const int backlog = 4096;

/* Logs what the system said, closes, and gives false. */
static bool fail(struct listener *l, const char *what, const char *where)
{
    log_error(what, LOG_CSTR("address", where), LOG_CSTR("reason", strerror(errno)));
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    return false;
}

static socklen_t parse_address(const char *address, uint16_t port, struct sockaddr_in6 *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    *out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    return inet_pton(AF_INET6, address, &out->sin6_addr) == 1 ? sizeof *out : 0;
}

static bool read_port(struct listener *l)
{
    struct sockaddr_in6 bound = {0};
    socklen_t size = sizeof bound;
    if (getsockname(l->fd, (struct sockaddr *)&bound, &size) != 0)
        return false;
    struct sockaddr_in v4;
    memcpy(&v4, &bound, sizeof v4);
    l->port = ntohs(bound.sin6_family == AF_INET ? v4.sin_port : bound.sin6_port);
    return true;
}

bool listener_open_tcp(struct listener *l, const char *address, uint16_t port)
{
    *l = (struct listener){.fd = -1};
    struct sockaddr_in6 sa;
    socklen_t size = parse_address(address, port, &sa);
    if (size == 0) {
        errno = EINVAL;
        return fail(l, "cannot listen: not a numeric IPv4 or IPv6 address", address);
    }
    l->fd = socket(sa.sin6_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return fail(l, "cannot listen", address);
    const int on = 1;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sa.sin6_family == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(l->fd, (struct sockaddr *)&sa, size) != 0 || listen(l->fd, backlog) != 0 || !read_port(l))
        return fail(l, "cannot listen", address);
    return true;
}

/* A socket in the file system that nobody listens on any more. */
static bool is_stale_socket(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)sa, sizeof *sa) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

bool listener_open_unix(struct listener *l, const char *path, unsigned mode)
{
    *l = (struct listener){.fd = -1};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    _Static_assert(sizeof l->path == sizeof sa.sun_path, "a path that fits the one fits the other");
    if (n == 0 || n >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return fail(l, "cannot listen: the path of the socket is empty or too long", path);
    }
    memcpy(sa.sun_path, path, n);
    if (is_stale_socket(&sa))
        unlink(path);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        return fail(l, "cannot listen", path);
    /* Nobody can connect before listen(), so there is no moment with the wrong mode. */
    memcpy(l->path, path, n);
    if (chmod(path, (mode_t)mode) != 0 || listen(l->fd, backlog) != 0) {
        unlink(path);
        return fail(l, "cannot listen", path);
    }
    return true;
}

void listener_close(struct listener *l)
{
    if (l->fd < 0)
        return;
    if (l->path[0])
        unlink(l->path);
    close(l->fd);
    l->fd = -1;
}
