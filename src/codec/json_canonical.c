#include "codec/json.h"

/* Takes one decimal digit more into *v; false if it grows too large. */
static bool append_digit(int64_t *v, int digit)
{
    *v = *v * 10 + digit;
    return *v <= JSON_INT_MAX;
}

/* The digits up to the exponent as one number without its trailing zeros, and how many places too far left it stands.
 */
static bool read_digits(struct str text, int64_t *v, int64_t *scale)
{
    bool fraction = false;
    int64_t zeros = 0;
    *v = 0;
    *scale = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '.') {
            fraction = true;
            continue;
        }
        if (fraction)
            (*scale)--;
        zeros++;
        if (text.p[i] == '0')
            continue;
        for (; zeros > 1 && *v > 0; zeros--) {
            if (!append_digit(v, 0))
                return false;
        }
        if (!append_digit(v, text.p[i] - '0'))
            return false;
        zeros = 0;
    }
    *scale += zeros;
    return true;
}

/* Clamped to what no text is long enough to make up for. */
static int64_t read_exponent(struct str text)
{
    const int64_t clamp = INT64_C(1) << 40;
    bool negative = text.n && text.p[0] == '-';
    int64_t v = 0;
    for (size_t i = text.n && (negative || text.p[0] == '+'); i < text.n && v < clamp; i++)
        v = v * 10 + (text.p[i] - '0');
    v = v < clamp ? v : clamp;
    return negative ? -v : v;
}

/* `text` is a number as JSON writes it. */
static bool read_integer(struct str text, int64_t *out)
{
    bool negative = text.p[0] == '-';
    size_t e = str_find(text, 'e');
    e = e < text.n ? e : str_find(text, 'E');
    int64_t scale;
    if (!read_digits(str_slice(text, negative, e), out, &scale))
        return false;
    scale += read_exponent(str_slice(text, e + 1, text.n));
    if (*out == 0)
        return true;
    for (; scale > 0; scale--) {
        if (!append_digit(out, 0))
            return false;
    }
    *out = negative ? -*out : *out;
    return scale == 0;
}

static bool settle(struct arena *a, struct json *v)
{
    int64_t i;
    if (v->type == JSON_FLOAT) {
        if (!read_integer(v->s, &i))
            return false;
        *v = json_int(i);
        return true;
    }
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
        return true;
    *v = *json_shallow_copy(a, v);
    for (uint32_t k = 0; k < v->count; k++) {
        if (!settle(a, v->type == JSON_ARRAY ? &v->items[k] : &v->members[k].value))
            return false;
    }
    return true;
}

const struct json *json_canonical(struct arena *a, const struct json *v)
{
    if (json_is_canonical(v))
        return v;
    struct json *copy = json_shallow_copy(a, v);
    return settle(a, copy) ? copy : NULL;
}
