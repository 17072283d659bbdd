/* Whatever the parser accepts comes back from its own text, and fails in no way that a sanitizer sees. */
#include "codec/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str source = {(const char *)data, size};
    struct json_result r = json_parse(a, source, JSON_DEPTH_MAX);
    assert((r.value == NULL) == (r.error != NULL) && r.offset <= size);
    if (r.value) {
        struct str text = json_text(a, r.value);
        struct json_result again = json_parse(a, text, JSON_DEPTH_MAX);
        assert(again.value && json_eq(r.value, again.value));
        assert(str_eq(json_text(a, again.value), text));
        assert(json_eq(json_deep_copy(a, r.value), again.value));
    }
    arena_free(&a);
    return 0;
}
