#include "matrix/id.h"

#include <arpa/inet.h>
#include <string.h>

#define CREATE_HASH_CHARS 43 /* 32 bytes in unpadded base64 */

/* One bit a grammar; a character's classes stand in the table below. */
enum char_class {
    DNS = 1,        /* [A-Za-z0-9.-] */
    IPV6 = 2,       /* [0-9A-Fa-f:.] */
    LOCALPART = 4,  /* [a-z0-9._=/+-] */
    BASE64_URL = 8, /* [A-Za-z0-9_-] */
    OPAQUE = 16,    /* [A-Za-z0-9._~-] */
    ALGORITHM = 32, /* [a-z0-9_] */
    KEY_NAME = 64,  /* [A-Za-z0-9_] */
    DIGIT = 128,
};

static const uint8_t classes[256] = {
    ['0' ... '9'] = DNS | IPV6 | LOCALPART | BASE64_URL | OPAQUE | ALGORITHM | KEY_NAME | DIGIT,
    ['A' ... 'F'] = DNS | IPV6 | BASE64_URL | OPAQUE | KEY_NAME,
    ['G' ... 'Z'] = DNS | BASE64_URL | OPAQUE | KEY_NAME,
    ['a' ... 'f'] = DNS | IPV6 | LOCALPART | BASE64_URL | OPAQUE | ALGORITHM | KEY_NAME,
    ['g' ... 'z'] = DNS | LOCALPART | BASE64_URL | OPAQUE | ALGORITHM | KEY_NAME,
    ['_'] = LOCALPART | BASE64_URL | OPAQUE | ALGORITHM | KEY_NAME,
    ['-'] = DNS | LOCALPART | BASE64_URL | OPAQUE,
    ['.'] = DNS | IPV6 | LOCALPART | OPAQUE,
    ['~'] = OPAQUE,
    [':'] = IPV6,
    ['='] = LOCALPART,
    ['/'] = LOCALPART,
    ['+'] = LOCALPART,
};

/* At least one character, and all of the class. */
static bool all_of(struct str s, enum char_class class)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!(classes[(unsigned char)s.p[i]] & class))
            return false;
    }
    return s.n > 0;
}

static bool has_nul(struct str s)
{
    return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

static bool ipv6_valid(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (s.n < 2 || s.n >= sizeof(text) || !all_of(s, IPV6))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET6, text, &addr) == 1;
}

bool server_name_valid(struct str name)
{
    if (name.n == 0 || name.n > ID_MAX)
        return false;
    size_t host_end;
    if (name.p[0] == '[') {
        size_t bracket = str_find(name, ']');
        if (bracket == name.n || !ipv6_valid(str_slice(name, 1, bracket)))
            return false;
        host_end = bracket + 1;
    } else {
        host_end = str_find(name, ':');
        if (!all_of(str_slice(name, 0, host_end), DNS))
            return false;
    }
    if (host_end == name.n)
        return true;
    struct str port = str_slice(name, host_end + 1, name.n);
    return name.p[host_end] == ':' && port.n <= 5 && all_of(port, DIGIT);
}

/* "<sigil>localpart:server" of at most 255 bytes. */
static bool split(struct str id, char sigil, struct str *localpart_out, struct str *server_out)
{
    if (id.n < 2 || id.n > ID_MAX || id.p[0] != sigil)
        return false;
    size_t colon = str_find(id, ':');
    *localpart_out = str_slice(id, 1, colon);
    *server_out = str_slice(id, colon + 1, id.n);
    return colon < id.n && !has_nul(*localpart_out) && server_name_valid(*server_out);
}

bool user_id_split(struct str user_id, struct str *localpart_out, struct str *server_out)
{
    return split(user_id, '@', localpart_out, server_out);
}

bool user_id_valid(struct str user_id)
{
    struct str localpart, server;
    return split(user_id, '@', &localpart, &server);
}

bool user_localpart_valid(struct str localpart)
{
    return localpart.n <= ID_MAX && all_of(localpart, LOCALPART);
}

struct str id_server(struct str id)
{
    return str_slice(id, str_find(id, ':') + 1, id.n);
}

bool room_alias_valid(struct str alias)
{
    struct str localpart, server;
    return split(alias, '#', &localpart, &server) && localpart.n > 0;
}

bool room_id_valid(struct str room_id)
{
    struct str localpart, server;
    if (split(room_id, '!', &localpart, &server))
        return localpart.n > 0;
    return room_id.n == 1 + CREATE_HASH_CHARS && room_id.p[0] == '!' &&
           all_of(str_slice(room_id, 1, room_id.n), BASE64_URL);
}

bool event_id_valid(struct str event_id)
{
    return event_id.n >= 2 && event_id.n <= ID_MAX && event_id.p[0] == '$' && !has_nul(event_id);
}

bool event_id_with_server_valid(struct str event_id)
{
    struct str opaque, server;
    return split(event_id, '$', &opaque, &server) && opaque.n > 0;
}

bool opaque_id_valid(struct str id)
{
    return id.n <= ID_MAX && all_of(id, OPAQUE);
}

bool key_id_valid(struct str key_id)
{
    size_t colon = str_find(key_id, ':');
    return key_id.n <= ID_MAX && all_of(str_slice(key_id, 0, colon), ALGORITHM) &&
           all_of(str_slice(key_id, colon + 1, key_id.n), KEY_NAME);
}

bool mxc_uri_valid(struct str uri)
{
    const struct str scheme = STR("mxc://");
    if (!str_starts(uri, scheme))
        return false;
    struct str media_id, server = str_cut(str_slice(uri, scheme.n, uri.n), '/', &media_id);
    return server_name_valid(server) && media_id.n <= ID_MAX && all_of(media_id, BASE64_URL);
}

struct str user_id_make(struct arena *a, struct str localpart, struct str server)
{
    char *out = arena_alloc(a, localpart.n + server.n + 2);
    out[0] = '@';
    if (localpart.n > 0)
        memcpy(out + 1, localpart.p, localpart.n);
    out[1 + localpart.n] = ':';
    if (server.n > 0)
        memcpy(out + 2 + localpart.n, server.p, server.n);
    return (struct str){out, localpart.n + server.n + 2};
}
