#include "http/peer.h"

#include <arpa/inet.h>

#include "../check.h"

static struct peer peer_of_text(const char *text)
{
    struct peer p = {.listener = 0};
    if (inet_pton(AF_INET, text, &p.address.v4.sin_addr) == 1)
        p.address.v4.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &p.address.v6.sin6_addr) == 1)
        p.address.v6.sin6_family = AF_INET6;
    else
        p.address.any.sa_family = AF_UNIX;
    return p;
}

static const char *const trusted[] = {"127.0.0.1",         "10.0.0.0/8",  "192.168.64.0/18",
                                      "fd00::/8",          "2001:db8::1", "::ffff:172.16.0.0/112",
                                      "::ffff:172.18.0.1", "unix"};

static void finds_the_client(void **state)
{
    static const struct {
        const char *name, *peer, *x_forwarded_for, *more, *forwarded, *want;
    } cases[] = {
        {"no header", "127.0.0.1", NULL, NULL, NULL, "127.0.0.1"},
        {"from a proxy", "127.0.0.1", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"from a stranger", "203.0.113.1", "203.0.113.9", NULL, NULL, "203.0.113.1"},
        {"Forwarded from a stranger", "203.0.113.1", NULL, NULL, "for=1.2.3.4", "203.0.113.1"},
        {"what the client made up comes first", "10.1.1.1", "6.6.6.6, 203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"over two proxies", "10.1.1.1", "6.6.6.6, 203.0.113.9, 10.2.2.2", NULL, NULL, "203.0.113.9"},
        {"in two headers", "10.1.1.1", "6.6.6.6", "203.0.113.9,10.2.2.2", NULL, "203.0.113.9"},
        {"all trusted", "10.1.1.1", "10.3.3.3, 10.2.2.2", NULL, NULL, "10.3.3.3"},
        {"junk ends it", "10.1.1.1", "6.6.6.6, unknown, 10.2.2.2", NULL, NULL, "10.2.2.2"},
        {"only junk", "10.1.1.1", "localhost", NULL, NULL, "10.1.1.1"},
        {"empty", "10.1.1.1", "", NULL, NULL, "10.1.1.1"},
        {"with a port", "10.1.1.1", "203.0.113.9:4711", NULL, NULL, "203.0.113.9"},
        {"IPv6", "fd12::1", "2001:db8::7", NULL, NULL, "2001:db8::7"},
        {"IPv6 in brackets with a port", "fd12::1", "[2001:db8::7]:80", NULL, NULL, "2001:db8::7"},
        {"mapped peer", "::ffff:127.0.0.1", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"mapped client", "127.0.0.1", "::ffff:203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"inside an odd prefix", "192.168.127.255", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"outside an odd prefix", "192.168.128.0", "203.0.113.9", NULL, NULL, "192.168.128.0"},
        {"Forwarded", "127.0.0.1", NULL, NULL, "for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"},
        {"Forwarded, quoted IPv6", "127.0.0.1", NULL, NULL, "For=6.6.6.6, proto=http; FOR=\"[2001:db8::9]:1\"",
         "2001:db8::9"},
        {"Forwarded, hidden", "127.0.0.1", NULL, NULL, "for=6.6.6.6, for=_hidden", "127.0.0.1"},
        {"Forwarded without for", "127.0.0.1", NULL, NULL, "proto=https", "127.0.0.1"},
        {"both", "127.0.0.1", "6.6.6.6, 203.0.113.9", NULL, "for=7.7.7.7", "203.0.113.9"},
        {"both, from a stranger", "203.0.113.1", "6.6.6.6", NULL, "for=7.7.7.7", "203.0.113.1"},
        {"both, the first is junk", "127.0.0.1", "junk", NULL, "for=7.7.7.7", "127.0.0.1"},
        {"inside a mapped network", "172.16.255.1", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"outside a mapped network", "172.17.0.1", "203.0.113.9", NULL, NULL, "172.17.0.1"},
        {"a mapped address", "172.18.0.1", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"unix", "", NULL, NULL, NULL, "unix"},
        {"unix with a proxy", "", "203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"unix with junk", "", "x", NULL, NULL, "unix"},
        {"too long for an address", "127.0.0.1", "1111111111111111111111111111111111111111111111111111", NULL, NULL,
         "127.0.0.1"},
    };
    (void)state;
    struct peer_trust trust;
    size_t bad;
    assert_true(peer_trust_init(&trust, trusted, COUNT_OF(trusted), &bad));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_pair headers[4];
        size_t n = 0;
        headers[n++] = (struct http_pair){STR("Host"), STR("h")};
        if (cases[i].x_forwarded_for)
            headers[n++] = (struct http_pair){STR("x-forwarded-for"), str_of(cases[i].x_forwarded_for)};
        if (cases[i].more)
            headers[n++] = (struct http_pair){STR("X-Forwarded-For"), str_of(cases[i].more)};
        if (cases[i].forwarded)
            headers[n++] = (struct http_pair){STR("Forwarded"), str_of(cases[i].forwarded)};
        struct peer peer = peer_of_text(cases[i].peer);
        char text[PEER_TEXT_MAX];
        check_str(peer_client(&trust, &peer, headers, n, text), str_of(cases[i].want), cases[i].name);
    }
    peer_trust_fini(&trust);
}

static void unix_sockets_are_not_trusted_unless_named(void **state)
{
    (void)state;
    struct peer_trust trust;
    size_t bad;
    assert_true(peer_trust_init(&trust, NULL, 0, &bad));
    struct peer peer = peer_of_text("");
    const struct http_pair header = {STR_INIT("X-Forwarded-For"), STR_INIT("1.2.3.4")};
    char text[PEER_TEXT_MAX];
    check_str(peer_client(&trust, &peer, &header, 1, text), STR("unix"), "untrusted unix");
    peer_trust_fini(&trust);
}

static void refuses_bad_entries(void **state)
{
    static const char *const bad_entries[] = {"",
                                              "localhost",
                                              "10.0.0.0/33",
                                              "::/129",
                                              "10.0.0/8",
                                              "10.0.0.0/",
                                              "1.2.3.4/x",
                                              "1.2.3.4/-1",
                                              "::ffff:10.0.0.0/95",
                                              "::ffff:10.0.0.0/8",
                                              "::ffff:10.0.0.0/129",
                                              "10.0.0.0/104"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_entries); i++) {
        const char *entries[] = {"unix", "::1", bad_entries[i]};
        struct peer_trust trust;
        size_t bad = 0;
        check_case(!peer_trust_init(&trust, entries, 3, &bad) && bad == 2, bad_entries[i]);
        check_case(!peer_network_valid(str_of(bad_entries[i])), bad_entries[i]);
    }
}

static void knows_good_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(trusted); i++)
        check_case(peer_network_valid(str_of(trusted[i])), trusted[i]);
    assert_true(peer_network_valid(STR("::ffff:0.0.0.0/96")));
    assert_true(peer_network_valid(STR("0.0.0.0/0")));
    assert_true(peer_network_valid(STR("::/0")));
}

static void groups_addresses(void **state)
{
    struct peer a = peer_of_text("2001:db8:1:2::1"), b = peer_of_text("2001:db8:1:2:ffff::"),
                c = peer_of_text("2001:db8:1:3::1"), v4 = peer_of_text("1.2.3.4"),
                mapped = peer_of_text("::ffff:1.2.3.4"), other = peer_of_text("1.2.3.5"), local = peer_of_text("");
    (void)state;
    assert_true(peer_group(&a) == peer_group(&b));
    assert_true(peer_group(&a) != peer_group(&c));
    assert_true(peer_group(&v4) == peer_group(&mapped));
    assert_true(peer_group(&v4) != peer_group(&other));
    assert_true(peer_group(&local) == 0);
}

static void groups_clients(void **state)
{
    const struct http_pair header = {STR_INIT("X-Forwarded-For"), STR_INIT("203.0.113.9")};
    struct peer stranger = peer_of_text("203.0.113.9"), proxy = peer_of_text("10.1.1.1"), local = peer_of_text("");
    struct peer_trust trust;
    size_t bad;
    (void)state;
    assert_true(peer_trust_init(&trust, trusted, COUNT_OF(trusted), &bad));
    uint64_t group = peer_group(&stranger);
    assert_true(group != 0);
    assert_true(peer_client_group(&trust, &stranger, NULL, 0) == group);
    assert_true(peer_client_group(&trust, &proxy, &header, 1) == group);
    assert_true(peer_client_group(&trust, &local, &header, 1) == group);
    assert_true(peer_client_group(&trust, &proxy, NULL, 0) == 0);
    assert_true(peer_client_group(&trust, &local, NULL, 0) == 0);
    peer_trust_fini(&trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_client),    cmocka_unit_test(unix_sockets_are_not_trusted_unless_named),
        cmocka_unit_test(refuses_bad_entries), cmocka_unit_test(knows_good_entries),
        cmocka_unit_test(groups_addresses),    cmocka_unit_test(groups_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
