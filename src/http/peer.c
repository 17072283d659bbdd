#include "http/peer.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* The part of an IPv6 address that says it maps an IPv4 address, in bits. */
static const unsigned mapped_bits = 96;

/* An address of either family; one of IPv4 stands in the first four bytes. */
struct ip {
    bool v4;
    uint8_t bytes[16];
};

struct peer_net {
    struct ip ip;
    unsigned prefix;
};

/* --- addresses --- */

static struct ip ip_of_v6(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct ip ip = {.v4 = memcmp(bytes, mapped, sizeof mapped) == 0};
    if (ip.v4)
        memcpy(ip.bytes, bytes + 12, 4);
    else
        memcpy(ip.bytes, bytes, 16);
    return ip;
}

static bool ip_parse(struct str text, struct ip *out)
{
    char z[PEER_TEXT_MAX];
    if (text.n == 0 || text.n >= sizeof z || str_find(text, '\0') < text.n)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    *out = (struct ip){.v4 = true};
    if (inet_pton(AF_INET, z, out->bytes) == 1)
        return true;
    uint8_t bytes[16];
    if (inet_pton(AF_INET6, z, bytes) != 1)
        return false;
    *out = ip_of_v6(bytes);
    return true;
}

static bool ip_of_peer(const struct peer *peer, struct ip *out)
{
    switch (peer->address.any.sa_family) {
    case AF_INET:
        *out = (struct ip){.v4 = true};
        memcpy(out->bytes, &peer->address.v4.sin_addr, 4);
        return true;
    case AF_INET6:
        *out = ip_of_v6(peer->address.v6.sin6_addr.s6_addr);
        return true;
    default:
        return false;
    }
}

static uint64_t group_of(const struct ip *ip)
{
    char key[9] = {ip->v4 ? '4' : '6'};
    memcpy(key + 1, ip->bytes, ip->v4 ? 4 : 8);
    uint64_t group = str_hash((struct str){key, sizeof key});
    return group ? group : 1;
}

uint64_t peer_group(const struct peer *peer)
{
    struct ip ip;
    return ip_of_peer(peer, &ip) ? group_of(&ip) : 0;
}

/* --- trust --- */

static bool net_parse(struct str entry, struct peer_net *out)
{
    struct str rest;
    bool has_prefix = str_find(entry, '/') < entry.n;
    if (!ip_parse(str_cut(entry, '/', &rest), &out->ip))
        return false;
    /* As it is written: "::ffff:10.0.0.0/104" is 10.0.0.0/8. */
    bool mapped = out->ip.v4 && str_find(entry, ':') < entry.n;
    unsigned least = mapped ? mapped_bits : 0, most = out->ip.v4 && !mapped ? 32 : 128;
    uint64_t prefix = most;
    if (has_prefix && (!str_to_u64(rest, &prefix) || prefix < least || prefix > most))
        return false;
    out->prefix = (unsigned)prefix - least;
    return true;
}

bool peer_network_valid(struct str entry)
{
    struct peer_net net;
    return str_eq(entry, STR("unix")) || net_parse(entry, &net);
}

static bool net_holds(const struct peer_net *net, const struct ip *ip)
{
    if (net->ip.v4 != ip->v4 || memcmp(net->ip.bytes, ip->bytes, net->prefix / 8) != 0)
        return false;
    unsigned bits = net->prefix % 8;
    return bits == 0 || (net->ip.bytes[net->prefix / 8] ^ ip->bytes[net->prefix / 8]) >> (8 - bits) == 0;
}

static bool is_trusted(const struct peer_trust *t, const struct ip *ip)
{
    for (size_t i = 0; i < t->count; i++) {
        if (net_holds(&t->nets[i], ip))
            return true;
    }
    return false;
}

bool peer_is_trusted(const struct peer_trust *t, const struct peer *peer)
{
    struct ip ip;
    return ip_of_peer(peer, &ip) ? is_trusted(t, &ip) : t->unix_sockets;
}

bool peer_trust_init(struct peer_trust *t, const char *const *entries, size_t count, size_t *bad_out)
{
    *t = (struct peer_trust){.nets = memory_calloc(count + 1, sizeof(struct peer_net))};
    for (size_t i = 0; i < count; i++) {
        struct str entry = str_of(entries[i]);
        if (str_eq(entry, STR("unix"))) {
            t->unix_sockets = true;
        } else if (net_parse(entry, &t->nets[t->count])) {
            t->count++;
        } else {
            *bad_out = i;
            peer_trust_fini(t);
            return false;
        }
    }
    return true;
}

void peer_trust_fini(struct peer_trust *t)
{
    free(t->nets);
    *t = (struct peer_trust){0};
}

/* --- the client behind proxies --- */

/* "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool hop_parse(struct str hop, struct ip *out)
{
    hop = str_trim(hop);
    if (hop.n > 0 && hop.p[0] == '[')
        return ip_parse(str_slice(hop, 1, str_find(hop, ']')), out);
    size_t colon = str_find(hop, ':');
    bool has_port = colon < hop.n && str_find(str_slice(hop, colon + 1, hop.n), ':') == hop.n - colon - 1;
    return ip_parse(has_port ? str_slice(hop, 0, colon) : hop, out);
}

/* The "for" of one element of a Forwarded header (RFC 7239 section 4); empty if it has none. */
static struct str forwarded_for(struct str element)
{
    while (element.n > 0) {
        struct str value;
        struct str name = str_trim(str_cut(str_cut(element, ';', &element), '=', &value));
        if (!str_eq_nocase(name, STR("for")))
            continue;
        value = str_trim(value);
        bool quoted = value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"';
        return quoted ? str_slice(value, 1, value.n - 1) : value;
    }
    return STR("");
}

/* Takes the last element of a list separated by commas off it. */
static struct str cut_last(struct str *list)
{
    size_t at = list->n;
    while (at > 0 && list->p[at - 1] != ',')
        at--;
    struct str last = str_slice(*list, at, list->n);
    *list = str_slice(*list, 0, at > 0 ? at - 1 : 0);
    return last;
}

/* Goes back through the hops of all headers of this name; *ip is the peer at first, and the client at the end. */
static void follow_hops(const struct peer_trust *t, const struct http_pair *headers, size_t count, struct str name,
                        bool is_forwarded, struct ip *ip)
{
    for (size_t i = count; i-- > 0;) {
        if (!str_eq_nocase(headers[i].name, name))
            continue;
        struct str list = headers[i].value;
        while (list.n > 0) {
            struct str hop = cut_last(&list);
            struct ip next;
            if (!hop_parse(is_forwarded ? forwarded_for(hop) : hop, &next))
                return;
            *ip = next;
            if (!is_trusted(t, ip))
                return;
        }
    }
}

/* False if it is a unix socket without client behind it. */
static bool client_ip(const struct peer_trust *t, const struct peer *peer, const struct http_pair *headers,
                      size_t header_count, struct ip *out)
{
    const struct str x_forwarded_for = STR("X-Forwarded-For"), forwarded = STR("Forwarded");
    const struct ip none = {0};
    *out = none;
    bool has_ip = ip_of_peer(peer, out);
    if (peer_is_trusted(t, peer)) {
        bool x = http_pairs_header(headers, header_count, x_forwarded_for).p;
        bool f = http_pairs_header(headers, header_count, forwarded).p;
        if (x || f)
            follow_hops(t, headers, header_count, x ? x_forwarded_for : forwarded, !x, out);
    }
    return has_ip || memcmp(out, &none, sizeof none) != 0;
}

uint64_t peer_client_group(const struct peer_trust *t, const struct peer *peer, const struct http_pair *headers,
                           size_t header_count)
{
    struct ip ip;
    return client_ip(t, peer, headers, header_count, &ip) && !is_trusted(t, &ip) ? group_of(&ip) : 0;
}

struct str peer_client(const struct peer_trust *t, const struct peer *peer, const struct http_pair *headers,
                       size_t header_count, char text[PEER_TEXT_MAX])
{
    struct ip ip;
    if (!client_ip(t, peer, headers, header_count, &ip))
        return STR("unix");
    inet_ntop(ip.v4 ? AF_INET : AF_INET6, ip.bytes, text, PEER_TEXT_MAX);
    return str_of(text);
}
