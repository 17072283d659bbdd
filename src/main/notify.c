#include "main/notify.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An absolute path, or "@name" of the abstract namespace. */
static bool socket_address(const char *name, struct sockaddr_un *address_out, socklen_t *size_out)
{
    size_t length = name ? strlen(name) : 0;

    if (length < 2 || (name[0] != '/' && name[0] != '@') || length >= sizeof(address_out->sun_path))
        return false;
    *address_out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address_out->sun_path, name, length);
    if (name[0] == '@')
        address_out->sun_path[0] = '\0';
    *size_out = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

bool notify_send(const char *state)
{
    struct sockaddr_un address;
    socklen_t size;

    if (!socket_address(getenv("NOTIFY_SOCKET"), &address, &size))
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    close(fd);
    return sent == (ssize_t)strlen(state);
}

void notify_ready(void)
{
    notify_send("READY=1");
}

void notify_stopping(void)
{
    notify_send("STOPPING=1");
}

void notify_reloading(void)
{
    char state[80];

    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    notify_send(state);
}

void notify_watchdog(void)
{
    notify_send("WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *limit = getenv("WATCHDOG_USEC");
    int64_t number;

    if (!limit || (pid && (!str_to_i64(str_of(pid), &number) || number != getpid())))
        return 0;
    if (!str_to_i64(str_of(limit), &number) || number <= 0)
        return 0;
    return number / 2000 > 0 ? number / 2000 : 1;
}
