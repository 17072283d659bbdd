/* Identifiers: what is valid is short, holds no NUL, and comes apart and together again. */
#include "matrix/id.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const validators[])(struct str) = {
        server_name_valid, user_id_valid,  user_localpart_valid, room_alias_valid,
        room_id_valid,     event_id_valid, opaque_id_valid,      key_id_valid,
    };
    struct arena *a = arena_new();
    struct str s = {(const char *)data, size}, localpart, server;
    for (size_t i = 0; i < sizeof(validators) / sizeof(validators[0]); i++) {
        if (validators[i](s))
            assert(s.n > 0 && s.n <= ID_MAX && !memchr(s.p, '\0', s.n));
    }
    if (user_id_split(s, &localpart, &server)) {
        assert(server_name_valid(server) && str_eq(server, id_server(s)));
        assert(str_eq(user_id_make(a, localpart, server), s));
    }
    if (room_alias_valid(s))
        assert(server_name_valid(id_server(s)) && s.p[0] == '#');
    if (server_name_valid(s) && s.n < 200) {
        assert(user_id_valid(user_id_make(a, STR("x"), s)));
        assert(mxc_uri_valid(str_fmt(a, "mxc://%.*s/x", STR_ARG(s))));
    }
    if (mxc_uri_valid(s))
        assert(str_starts(s, STR("mxc://")));
    arena_free(&a);
    return 0;
}
