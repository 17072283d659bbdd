#include "codec/json.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Up to here, comparing lengths one after the other beats halving. */
static const uint32_t linear_max = 8;

/* --- reading --- */

/* Index of the first member whose key is not below `key`. */
static uint32_t lower_bound(const struct json *object, struct str key)
{
    uint32_t from = 0;
    uint32_t to = object->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (str_cmp(object->members[middle].key, key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct json *json_get(const struct json *object, struct str key)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    uint32_t at = 0;
    if (object->count > linear_max) {
        at = lower_bound(object, key);
    } else {
        while (at < object->count && !str_eq(object->members[at].key, key))
            at++;
        return at < object->count ? &object->members[at].value : NULL;
    }
    return at < object->count && str_eq(object->members[at].key, key) ? &object->members[at].value : NULL;
}

bool json_is(const struct json *v, enum json_type type)
{
    return v && v->type == type;
}

struct str json_str_at(const struct json *object, struct str key)
{
    const struct json *v = json_get(object, key);
    return json_is(v, JSON_STRING) ? v->s : (struct str){NULL, 0};
}

bool json_int_at(const struct json *object, struct str key, int64_t *out)
{
    const struct json *v = json_get(object, key);
    if (!json_is(v, JSON_INT))
        return false;
    *out = v->i;
    return true;
}

bool json_bool_at(const struct json *object, struct str key, bool otherwise)
{
    const struct json *v = json_get(object, key);
    return json_is(v, JSON_BOOL) ? v->b : otherwise;
}

/* strtod() wants a NUL. The text is a JSON number, and the program never leaves the C locale, so all of it is read. */
static double float_value(struct str text)
{
    char small[64];
    char *copy = text.n < sizeof(small) ? small : memory_alloc(text.n + 1);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    double d = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return d;
}

bool json_number(const struct json *v, double *out)
{
    if (json_is(v, JSON_INT)) {
        *out = (double)v->i;
        return true;
    }
    if (!json_is(v, JSON_FLOAT))
        return false;
    double d = float_value(v->s);
    if (!isfinite(d))
        return false;
    *out = d;
    return true;
}

static bool same_items(const struct json *a, const struct json *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!json_eq(&a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

static bool same_members(const struct json *a, const struct json *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!str_eq(a->members[i].key, b->members[i].key) || !json_eq(&a->members[i].value, &b->members[i].value))
            return false;
    }
    return true;
}

bool json_eq(const struct json *a, const struct json *b)
{
    if (!a || !b)
        return a == b;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->b == b->b;
    case JSON_INT:
        return a->i == b->i;
    case JSON_FLOAT:
    case JSON_STRING:
        return str_eq(a->s, b->s);
    case JSON_ARRAY:
        return a->count == b->count && same_items(a, b);
    case JSON_OBJECT:
        return a->count == b->count && same_members(a, b);
    }
    assert(false && "a type of JSON");
    return false;
}

bool json_is_canonical(const struct json *v)
{
    if (json_is(v, JSON_ARRAY)) {
        for (uint32_t i = 0; i < v->count; i++) {
            if (!json_is_canonical(&v->items[i]))
                return false;
        }
    } else if (json_is(v, JSON_OBJECT)) {
        for (uint32_t i = 0; i < v->count; i++) {
            if (!json_is_canonical(&v->members[i].value))
                return false;
        }
    }
    return v && v->type != JSON_FLOAT;
}

/* --- building --- */

struct json json_null(void)
{
    return (struct json){.type = JSON_NULL};
}

struct json json_bool(bool b)
{
    return (struct json){.type = JSON_BOOL, .b = b};
}

struct json json_int(int64_t i)
{
    assert(i >= -JSON_INT_MAX && i <= JSON_INT_MAX);
    return (struct json){.type = JSON_INT, .i = i};
}

struct json json_string(struct str s)
{
    /* p == NULL is how json_str_at() says that there is no string. */
    return (struct json){.type = JSON_STRING, .s = s.p ? s : STR("")};
}

struct json *json_object(struct arena *a)
{
    struct json *v = ARENA_NEW(a, struct json);
    v->type = JSON_OBJECT;
    return v;
}

struct json *json_array(struct arena *a)
{
    struct json *v = ARENA_NEW(a, struct json);
    v->type = JSON_ARRAY;
    return v;
}

static uint32_t next_cap(const struct json *container)
{
    assert(container->cap <= UINT32_MAX / 2);
    return container->cap ? container->cap * 2 : 4;
}

static void insert(struct arena *a, struct json *object, uint32_t at, struct json_member m)
{
    if (object->count == object->cap) {
        uint32_t cap = next_cap(object);
        object->members = arena_grow(a, object->members, object->count * sizeof(m), cap * sizeof(m));
        object->cap = cap;
    }
    memmove(&object->members[at + 1], &object->members[at], (object->count - at) * sizeof(m));
    object->members[at] = m;
    object->count++;
}

void json_set(struct arena *a, struct json *object, struct str key, struct json value)
{
    assert(object->type == JSON_OBJECT);
    uint32_t at = object->count;
    /* Members mostly come in order. */
    if (at && str_cmp(object->members[at - 1].key, key) >= 0)
        at = lower_bound(object, key);
    if (at < object->count && str_eq(object->members[at].key, key))
        object->members[at].value = value;
    else
        insert(a, object, at, (struct json_member){.key = key, .value = value});
}

void json_set_str(struct arena *a, struct json *object, struct str key, struct str value)
{
    json_set(a, object, key, json_string(value));
}

void json_set_int(struct arena *a, struct json *object, struct str key, int64_t value)
{
    json_set(a, object, key, json_int(value));
}

struct json *json_edit(struct json *object, struct str key)
{
    assert(object->type == JSON_OBJECT);
    uint32_t at = lower_bound(object, key);
    return at < object->count && str_eq(object->members[at].key, key) ? &object->members[at].value : NULL;
}

void json_unset(struct json *object, struct str key)
{
    assert(object->type == JSON_OBJECT);
    uint32_t at = lower_bound(object, key);
    if (at == object->count || !str_eq(object->members[at].key, key))
        return;
    object->count--;
    memmove(&object->members[at], &object->members[at + 1], (object->count - at) * sizeof(object->members[0]));
}

void json_push(struct arena *a, struct json *array, struct json value)
{
    assert(array->type == JSON_ARRAY);
    if (array->count == array->cap) {
        uint32_t cap = next_cap(array);
        array->items = arena_grow(a, array->items, array->count * sizeof(value), cap * sizeof(value));
        array->cap = cap;
    }
    array->items[array->count++] = value;
}

struct json *json_shallow_copy(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);
    *copy = *v;
    copy->cap = copy->count;
    if (v->type == JSON_OBJECT && v->count) {
        copy->members = ARENA_ARRAY(a, v->count, struct json_member);
        memcpy(copy->members, v->members, v->count * sizeof(v->members[0]));
    } else if (v->type == JSON_ARRAY && v->count) {
        copy->items = ARENA_ARRAY(a, v->count, struct json);
        memcpy(copy->items, v->items, v->count * sizeof(v->items[0]));
    }
    return copy;
}

/* Replaces what `v` points to by copies. */
static void own(struct arena *a, struct json *v)
{
    if (v->type == JSON_STRING || v->type == JSON_FLOAT) {
        v->s = str_copy(a, v->s);
    } else if (v->type == JSON_OBJECT || v->type == JSON_ARRAY) {
        *v = *json_shallow_copy(a, v);
        for (uint32_t i = 0; v->type == JSON_ARRAY && i < v->count; i++)
            own(a, &v->items[i]);
        for (uint32_t i = 0; v->type == JSON_OBJECT && i < v->count; i++) {
            v->members[i].key = str_copy(a, v->members[i].key);
            own(a, &v->members[i].value);
        }
    }
}

struct json *json_deep_copy(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);
    *copy = *v;
    own(a, copy);
    return copy;
}

/* --- text --- */

struct str json_text(struct arena *a, const struct json *v)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    json_write(&b, v);
    assert(buf_ok(&b));
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}
