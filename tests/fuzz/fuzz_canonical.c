/* Canonical JSON: what comes out holds integers only, keys in strict order, and is its own canonical form. */
#include "codec/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct json *v)
{
    assert(v->type != JSON_FLOAT);
    assert(v->type != JSON_INT || (v->i <= JSON_INT_MAX && v->i >= -JSON_INT_MAX));
    for (uint32_t i = 0; v->type == JSON_ARRAY && i < v->count; i++)
        check(&v->items[i]);
    for (uint32_t i = 0; v->type == JSON_OBJECT && i < v->count; i++) {
        assert(i == 0 || str_cmp(v->members[i - 1].key, v->members[i].key) < 0);
        assert(json_get(v, v->members[i].key) == &v->members[i].value);
        check(&v->members[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, (struct str){(const char *)data, size}, 50);
    const struct json *v = r.value ? json_canonical(a, r.value) : NULL;
    if (v) {
        check(v);
        struct str text = json_text(a, v);
        struct json_result again = json_parse(a, text, 50);
        assert(again.value && json_is_canonical(again.value));
        assert(json_eq(again.value, v) && str_eq(json_text(a, again.value), text));
    }
    arena_free(&a);
    return 0;
}
