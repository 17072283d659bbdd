#include "codec/json.h"

#include <string.h>

#include "check.h"

static struct json value_of(struct arena *a, struct str text)
{
    struct json_result r = json_parse(a, text, JSON_DEPTH_MAX);
    check_case(r.value != NULL, "parses");
    return *r.value;
}

/* Appendices, "Canonical JSON", "Examples", in their order; the last one, with numbers to be put right, is in
 * test_json_canonical.c. */
static void test_canonical_examples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"{}", "{}"},
        {"{\n    \"one\": 1,\n    \"two\": \"Two\"\n}", "{\"one\":1,\"two\":\"Two\"}"},
        {"{\n    \"b\": \"2\",\n    \"a\": \"1\"\n}", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"{\"b\":\"2\",\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"{\n    \"auth\": {\n        \"success\": true,\n        \"mxid\": \"@john.doe:example.com\",\n"
         "        \"profile\": {\n            \"display_name\": \"John Doe\",\n            \"three_pids\": [\n"
         "                {\n                    \"medium\": \"email\",\n"
         "                    \"address\": \"john.doe@example.org\"\n                },\n                {\n"
         "                    \"medium\": \"msisdn\",\n                    \"address\": \"123456789\"\n"
         "                }\n            ]\n        }\n    }\n}",
         "{\"auth\":{\"mxid\":\"@john.doe:example.com\",\"profile\":{\"display_name\":\"John Doe\",\"three_pids\":"
         "[{\"address\":\"john.doe@example.org\",\"medium\":\"email\"},{\"address\":\"123456789\",\"medium\":"
         "\"msisdn\"}]},\"success\":true}}"},
        {"{\n    \"a\": \"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\"\n}",
         "{\"a\":\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\"}"},
        {"{\n    \"\xe6\x9c\xac\": 2,\n    \"\xe6\x97\xa5\": 1\n}", "{\"\xe6\x97\xa5\":1,\"\xe6\x9c\xac\":2}"},
        {"{\n    \"a\": \"\\u65E5\"\n}", "{\"a\":\"\xe6\x97\xa5\"}"},
        {"{\n    \"a\": null\n}", "{\"a\":null}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct json v = value_of(a, str_of(cases[i].text));
        check_str(json_text(a, &v), str_of(cases[i].want), cases[i].text);
        assert_true(json_is_canonical(&v));
        arena_free(&a);
    }
}

static void test_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
        bool canonical;
    } cases[] = {
        {" [ ] ", "[]", true},
        {"[true , false , null , 0 , -1 , \"\"]", "[true,false,null,0,-1,\"\"]", true},
        {"[9007199254740991,-9007199254740991]", "[9007199254740991,-9007199254740991]", true},
        {"[-0]", "[-0]", false},
        {"{\"a\":[{\"b\":1.50}]}", "{\"a\":[{\"b\":1.50}]}", false},
        {"[1E+05,9007199254740992]", "[1E+05,9007199254740992]", false},
        /* By code point, not by UTF-16: U+FF61 is before U+1F600. */
        {"{\"\xf0\x9f\x98\x80\":2,\"\xef\xbd\xa1\":1,\"z\":0}", "{\"z\":0,\"\xef\xbd\xa1\":1,\"\xf0\x9f\x98\x80\":2}",
         true},
        {"{\"b\":0,\"B\":0,\"\":0,\"a\\u0000\":0,\"a\":0}", "{\"\":0,\"B\":0,\"a\":0,\"a\\u0000\":0,\"b\":0}", true},
        {"\"\\/\\u002f\\u0022\\u005c\"", "\"//\\\"\\\\\"", true},
        {"\"\\u0000\\u0001\\u0007\\u0008\\u0009\\u000a\\u000b\\u000c\\u000d\\u000e\\u0010\\u001f\\u0020\\u007f\"",
         "\"\\u0000\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u0010\\u001f \x7f\"", true},
        {"\"\\u2028\\ud83d\\ude00\"", "\"\xe2\x80\xa8\xf0\x9f\x98\x80\"", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct json v = value_of(a, str_of(cases[i].text));
        check_str(json_text(a, &v), str_of(cases[i].want), cases[i].text);
        assert_int_equal(json_is_canonical(&v), cases[i].canonical);
        arena_free(&a);
    }
    assert_false(json_is_canonical(NULL));
}

/* What the text of a string has to be, byte by byte. */
static struct str escaped_slowly(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add_char(&b, '"');
    for (size_t i = 0; i < s.n; i++) {
        const char *from = "\"\\\b\f\n\r\t";
        const char *to = "\"\\bfnrt";
        const char *at = s.p[i] ? strchr(from, s.p[i]) : NULL;
        if (at)
            buf_fmt(&b, "\\%c", to[at - from]);
        else if ((unsigned char)s.p[i] < 0x20)
            buf_fmt(&b, "\\u%04x", s.p[i]);
        else
            buf_add_char(&b, s.p[i]);
    }
    buf_add_char(&b, '"');
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* Every byte at every place of strings of every length below 40, then two such bytes in a row. */
static void test_every_place(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        struct arena *a = arena_new();
        for (size_t at = 0; at < n; at++) {
            for (int byte = 0; byte < 0x80; byte++) {
                struct arena_mark mark = arena_mark(a);
                char *text = arena_alloc(a, n);
                memset(text, 'x', n);
                text[at] = (char)byte;
                if (at % 3 == 0)
                    text[n - 1] = (char)byte;
                struct buf b;
                buf_init(&b, 1 << 10);
                json_write_string(&b, (struct str){text, n});
                check_str(buf_str(&b), escaped_slowly(a, (struct str){text, n}), "a string");
                buf_fini(&b);
                arena_release(a, mark);
            }
        }
        arena_free(&a);
    }
}

/* Written into buffers of every size: either the whole text, or an overflow and nothing beyond the maximum. */
static void test_overflow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json v =
        value_of(a, STR("{\"a\":[1,true,\"\\n\\u0001\xc3\xa9 and some more\",null,1.5],\"bcd\":{\"\":-12}}"));
    struct str whole = json_text(a, &v);
    for (size_t max = 0; max <= whole.n + 2; max++) {
        struct buf b;
        buf_init(&b, max);
        json_write(&b, &v);
        assert_int_equal(buf_ok(&b), max >= whole.n);
        assert_true(b.n <= max);
        if (max >= whole.n)
            check_str(buf_str(&b), whole, "whole");
        else
            check_str(buf_str(&b), str_slice(whole, 0, b.n), "its beginning");
        buf_fini(&b);
    }
    arena_free(&a);
}

static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_add(&b, STR("x="));
    struct json v = json_int(-7);
    json_write(&b, &v);
    json_write_string(&b, (struct str){NULL, 0});
    buf_add_char(&b, ';');
    check_str(buf_str(&b), STR("x=-7\"\";"), "appended");
    buf_fini(&b);
}

/* --- any tree comes back from its text --- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct str random_string(struct arena *a, uint64_t *seed)
{
    static const struct str parts[] = {
        STR_INIT("a"),
        STR_INIT("B"),
        STR_INIT("\0"),
        STR_INIT("\""),
        STR_INIT("\\"),
        STR_INIT("\n"),
        STR_INIT("\t"),
        STR_INIT("\x1f"),
        STR_INIT("\x7f"),
        STR_INIT("\xc3\xa9"),
        STR_INIT("/"),
        STR_INIT("u"),
        STR_INIT("{"),
        STR_INIT("\xe6\x97\xa5"),
        STR_INIT("\xf0\x9f\x98\x80"),
        STR_INIT("0123456789"),
    };
    struct buf b;
    buf_init(&b, 1 << 10);
    for (uint64_t n = next_random(seed) % 24; n > 0; n--)
        buf_add(&b, parts[next_random(seed) % COUNT_OF(parts)]);
    struct str s = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return s;
}

static struct json random_value(struct arena *a, uint64_t *seed, unsigned depth)
{
    static const char *const floats[] = {"-0", "1.5", "1e10", "-2.5E-7", "9007199254740992", "1e999"};
    uint64_t kind = next_random(seed) % (depth ? 8 : 6);
    struct json *container;
    switch (kind) {
    case 0:
        return json_null();
    case 1:
        return json_bool(next_random(seed) % 2);
    case 2:
        return json_int((int64_t)(next_random(seed) >> 11) * (next_random(seed) % 2 ? 1 : -1));
    case 3:
        return (struct json){.type = JSON_FLOAT, .s = str_of(floats[next_random(seed) % COUNT_OF(floats)])};
    case 4:
    case 5:
        return json_string(random_string(a, seed));
    case 6:
        container = json_array(a);
        for (uint64_t n = next_random(seed) % 6; n > 0; n--)
            json_push(a, container, random_value(a, seed, depth - 1));
        return *container;
    default:
        container = json_object(a);
        for (uint64_t n = next_random(seed) % 20; n > 0; n--)
            json_set(a, container, random_string(a, seed), random_value(a, seed, depth - 1));
        return *container;
    }
}

static void test_any_tree_comes_back(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    for (int round = 0; round < 1000; round++) {
        struct arena *a = arena_new();
        struct json v = random_value(a, &seed, 4);
        struct str text = json_text(a, &v);
        struct json back = value_of(a, text);
        check_case(json_eq(&v, &back), "the tree comes back");
        check_str(json_text(a, &back), text, "its text comes back");
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_examples),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_any_tree_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
