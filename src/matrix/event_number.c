#include "matrix/event_number.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 17 /* always enough to tell a double from all others */

/* 0.d1d2d3... times ten to the power of `point`. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int point;
};

static bool is_integer(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '.' || text.p[i] == 'e' || text.p[i] == 'E')
            return false;
    }
    return true;
}

static double decimal_value(const struct decimal *d)
{
    char text[DIGITS_MAX + 16];
    snprintf(text, sizeof(text), "0.%se%d", d->digits, d->point);
    return strtod(text, NULL);
}

/* The next larger decimal of as many digits. */
static void decimal_up(struct decimal *d)
{
    int i = d->count;
    while (i > 0 && d->digits[i - 1] == '9')
        d->digits[--i] = '0';
    if (i > 0) {
        d->digits[i - 1]++;
        return;
    }
    d->digits[0] = '1';
    d->point++;
}

/* The nearest decimal of `count` digits. */
static struct decimal decimal_nearest(double x, int count)
{
    char text[DIGITS_MAX + 16];
    struct decimal d = {.count = count};
    snprintf(text, sizeof(text), "%.*e", count - 1, x);
    d.digits[0] = text[0];
    if (count > 1)
        memcpy(d.digits + 1, text + 2, (size_t)count - 1);
    d.point = atoi(text + count + (count > 1) + 1) + 1;
    return d;
}

/* The shortest decimal that reads back as `x`, which is positive. So many digits that each decimal of them has a double
 * of its own: what is shorter shows as zeros at the end. Two or three more tell all doubles apart. Below a power of two
 * doubles are closer together than above, so that there the nearest decimal may be another double's, and the next one
 * up not. */
static struct decimal decimal_shortest(double x)
{
    int bits = x >= DBL_MIN ? DBL_MANT_DIG : ilogb(x) + DBL_MANT_DIG - DBL_MIN_EXP + 1;
    int count = (bits - 1) * 30103 / 100000;
    struct decimal d;
    for (count = count > 1 ? count : 1;; count++) {
        d = decimal_nearest(x, count);
        if (count >= DIGITS_MAX || decimal_value(&d) == x)
            break;
        decimal_up(&d);
        if (decimal_value(&d) == x)
            break;
    }
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.digits[--d.count] = '\0';
    return d;
}

static struct str repeat_zero(int count)
{
    static const char zeros[] = "0000000000000000";
    assert(count <= (int)sizeof(zeros) - 1);
    return (struct str){zeros, count > 0 ? (size_t)count : 0};
}

/* As Python writes a double. */
static struct str double_text(struct arena *a, double x)
{
    const char *sign = signbit(x) ? "-" : "";
    if (x == 0)
        return str_fmt(a, "%s0.0", sign);
    struct decimal d = decimal_shortest(fabs(x));
    struct str digits = {d.digits, (size_t)d.count};
    if (d.point <= -4 || d.point > 16) {
        struct str rest = str_slice(digits, 1, digits.n);
        return str_fmt(a, "%s%c%s%.*se%c%02d", sign, d.digits[0], rest.n ? "." : "", STR_ARG(rest),
                       d.point > 0 ? '+' : '-', abs(d.point - 1));
    }
    if (d.point <= 0)
        return str_fmt(a, "%s0.%.*s%.*s", sign, STR_ARG(repeat_zero(-d.point)), STR_ARG(digits));
    if (d.count <= d.point)
        return str_fmt(a, "%s%.*s%.*s.0", sign, STR_ARG(digits), STR_ARG(repeat_zero(d.point - d.count)));
    struct str whole = str_slice(digits, 0, (size_t)d.point);
    return str_fmt(a, "%s%.*s.%.*s", sign, STR_ARG(whole), STR_ARG(str_slice(digits, whole.n, digits.n)));
}

static bool settle_number(struct arena *a, struct json *v)
{
    double x;
    if (is_integer(v->s)) {
        if (str_eq(v->s, STR("-0")))
            *v = json_int(0);
        return true;
    }
    if (!json_number(v, &x) || !isfinite(x))
        return false;
    v->s = double_text(a, x);
    return true;
}

static bool settle(struct arena *a, struct json *v)
{
    if (v->type == JSON_FLOAT)
        return settle_number(a, v);
    if (json_is_canonical(v))
        return true;
    *v = *json_shallow_copy(a, v);
    for (uint32_t i = 0; i < v->count; i++) {
        if (!settle(a, v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value))
            return false;
    }
    return true;
}

const struct json *event_canonical(struct arena *a, const struct json *v)
{
    if (json_is_canonical(v))
        return v;
    struct json *copy = json_shallow_copy(a, v);
    return settle(a, copy) ? copy : NULL;
}

bool event_integer(const struct json *v, int64_t *out)
{
    if (json_is(v, JSON_INT)) {
        *out = v->i;
        return true;
    }
    return json_is(v, JSON_FLOAT) && is_integer(v->s) && str_to_i64(v->s, out);
}
