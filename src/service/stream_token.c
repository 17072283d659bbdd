#include "service/stream_token.h"

bool stream_token_read_place(struct str token, struct event_place *place_out)
{
    struct str sub;
    if (!str_starts(token, STR("s")))
        return false;
    struct str pos = str_cut(str_slice(token, 1, token.n), '_', &sub);
    *place_out = (struct event_place){0};
    if (!str_to_i64(pos, &place_out->pos) || place_out->pos < 0)
        return false;
    if (pos.n + 1 == token.n)
        return true;
    if (!str_to_i64(sub, &place_out->sub) || place_out->sub <= 0)
        return false;
    place_out->sub = -place_out->sub;
    return true;
}

bool stream_token_read(struct str token, int64_t *pos_out)
{
    struct event_place place;
    if (!stream_token_read_place(token, &place))
        return false;
    *pos_out = place.sub < 0 && place.pos > 0 ? place.pos - 1 : place.pos;
    return true;
}

struct str stream_token_make(struct arena *a, int64_t pos)
{
    return str_fmt(a, "s%lld", (long long)pos);
}

struct str stream_token_make_place(struct arena *a, struct event_place place)
{
    return place.sub == 0 ? stream_token_make(a, place.pos)
                          : str_fmt(a, "s%lld_%lld", (long long)place.pos, (long long)-place.sub);
}
