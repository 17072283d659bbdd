#include "main/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

/* A socket as systemd has it, at a path or (with '@') in the abstract namespace. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static struct str receive(int fd, char *text, size_t size)
{
    ssize_t got = recv(fd, text, size, 0);

    return got < 0 ? STR("(nothing)") : (struct str){text, (size_t)got};
}

static void check_messages(const char *name)
{
    char text[200];
    int fd = listen_at(name);

    notify_ready();
    check_str(receive(fd, text, sizeof(text)), STR("READY=1"), name);
    notify_stopping();
    check_str(receive(fd, text, sizeof(text)), STR("STOPPING=1"), name);
    notify_watchdog();
    check_str(receive(fd, text, sizeof(text)), STR("WATCHDOG=1"), name);
    notify_reloading();
    struct str reloading = receive(fd, text, sizeof(text));
    check_case(str_starts(reloading, STR("RELOADING=1\nMONOTONIC_USEC=")), name);
    check_str(receive(fd, text, sizeof(text)), STR("(nothing)"), name);
    close(fd);
}

static void test_messages(void **state)
{
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64], abstract[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/notify", folder);
    snprintf(abstract, sizeof(abstract), "@hearth-test-%d", (int)getpid());
    check_messages(path);
    check_messages(abstract);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_nobody_listens(void **state)
{
    static const char *const names[] = {"", "relative", "/does/not/exist", "@hearth-test-nobody"};
    char long_name[300];

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_send("READY=1"));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        check_case(!notify_send("READY=1"), names[i]);
    }
    memset(long_name, '/', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", long_name, 1);
    assert_false(notify_send("READY=1"));
    unsetenv("NOTIFY_SOCKET");
}

static void test_watchdog(void **state)
{
    char mine[20];
    snprintf(mine, sizeof(mine), "%d", (int)getpid());
    const struct {
        const char *name, *limit, *pid;
        int64_t want;
    } cases[] = {
        {"none", NULL, NULL, 0},
        {"for any", "30000000", NULL, 15000},
        {"for me", "30000000", mine, 15000},
        {"for another", "30000000", "1", 0},
        {"tiny", "100", NULL, 1},
        {"zero", "0", NULL, 0},
        {"no number", "soon", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (cases[i].limit)
            setenv("WATCHDOG_USEC", cases[i].limit, 1);
        if (cases[i].pid)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        check_case(notify_watchdog_ms() == cases[i].want, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
