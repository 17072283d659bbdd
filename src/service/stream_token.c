#include "service/stream_token.h"

bool stream_token_read(struct str token, int64_t *pos_out)
{
    return str_starts(token, STR("s")) && str_to_i64(str_slice(token, 1, token.n), pos_out) && *pos_out >= 0;
}

struct str stream_token_make(struct arena *a, int64_t pos)
{
    return str_fmt(a, "s%lld", (long long)pos);
}
