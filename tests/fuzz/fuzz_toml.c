/* Any text gives a tree whose every part can be read, or an error with words. */
#include "base/arena.h"
#include "codec/toml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t bytes_of(struct str s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum += (unsigned char)s.p[i];
    return sum;
}

static size_t walk(const struct toml_value *v)
{
    size_t sum = v->type == TOML_STRING ? bytes_of(v->s) : 0;
    for (size_t i = 0; v->type == TOML_ARRAY && i < v->count; i++)
        sum += walk(&v->items[i]);
    for (size_t i = 0; v->type == TOML_TABLE && i < v->count; i++) {
        assert(toml_get(v, v->members[i].key) == &v->members[i].value);
        sum += bytes_of(v->members[i].key) + walk(&v->members[i].value);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct toml_result r = toml_parse(a, (struct str){(const char *)data, size});
    assert((r.table == NULL) == (r.error.n > 0));
    if (r.table)
        assert(r.table->type == TOML_TABLE && walk(r.table) < SIZE_MAX);
    arena_free(&a);
    return 0;
}
