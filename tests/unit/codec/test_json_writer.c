#include "codec/json_writer.h"

#include "check.h"

static void test_everything(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, STR("{\"b\":[1],\"a\":0.5}"), JSON_DEPTH_MAX);
    struct buf b;
    buf_init(&b, 1000);
    struct json_writer w;
    json_writer_init(&w, &b);
    json_begin_object(&w);
    json_field_str(&w, STR("s"), STR("a\"b"));
    json_field_int(&w, STR("i\n"), -12);
    json_field_bool(&w, STR("t"), true);
    json_field(&w, STR("tree"), r.value);
    json_field_raw(&w, STR("raw"), STR("{\"x\":1}"));
    json_key(&w, STR("list"));
    json_begin_array(&w);
    json_put_str(&w, STR(""));
    json_put_int(&w, INT64_MAX);
    json_put_bool(&w, false);
    json_put_null(&w);
    json_put(&w, r.value);
    json_put_raw(&w, STR("[]"));
    json_begin_object(&w);
    json_end_object(&w);
    json_begin_array(&w);
    json_end_array(&w);
    json_end_array(&w);
    json_field_bool(&w, STR("end"), false);
    json_end_object(&w);
    check_str(buf_str(&b),
              STR("{\"s\":\"a\\\"b\",\"i\\n\":-12,\"t\":true,\"tree\":{\"a\":0.5,\"b\":[1]},\"raw\":{\"x\":1},\"list\":"
                  "[\"\",9223372036854775807,false,null,{\"a\":0.5,\"b\":[1]},[],{},[]],\"end\":false}"),
              "everything");
    buf_fini(&b);
    arena_free(&a);
}

static void test_value_alone(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    struct json_writer w;
    json_writer_init(&w, &b);
    json_put_str(&w, STR("x"));
    check_str(buf_str(&b), STR("\"x\""), "alone");
    buf_fini(&b);
}

/* At each of the 64 levels: an item, a container that ends again, and the next level. */
static void test_depth(void **state)
{
    (void)state;
    struct buf want;
    struct buf got;
    struct json_writer w;
    buf_init(&want, 10000);
    buf_init(&got, 10000);
    json_writer_init(&w, &got);
    for (int depth = 1; depth <= 64; depth++) {
        json_begin_array(&w);
        json_put_int(&w, depth);
        buf_fmt(&want, "%s[%d", depth > 1 ? "," : "", depth);
        if (depth < 64) {
            json_begin_object(&w);
            json_field_bool(&w, STR("k"), true);
            json_field_bool(&w, STR("l"), true);
            json_end_object(&w);
            buf_fmt(&want, ",{\"k\":true,\"l\":true}");
        }
    }
    for (int depth = 64; depth >= 1; depth--) {
        json_put_null(&w);
        json_end_array(&w);
        buf_fmt(&want, ",null]");
    }
    check_str(buf_str(&got), buf_str(&want), "64 levels");
    assert_int_equal(w.depth, 0);
    buf_fini(&got);
    buf_fini(&want);
}

static void too_deep(void *arg)
{
    struct json_writer *w = arg;
    for (int depth = 0; depth < 65; depth++)
        json_begin_array(w);
}

static void call_one(struct json_writer *w, char call)
{
    switch (call) {
    case '{':
        json_begin_object(w);
        break;
    case '}':
        json_end_object(w);
        break;
    case '[':
        json_begin_array(w);
        break;
    case ']':
        json_end_array(w);
        break;
    case 'k':
        json_key(w, STR("k"));
        break;
    default:
        json_put_int(w, 1);
    }
}

/* Makes the calls that the letters of a text stand for. */
static void call_all(void *arg)
{
    const char *const *calls = arg;
    struct buf b;
    struct json_writer w;
    buf_init(&b, 10000);
    json_writer_init(&w, &b);
    for (const char *call = *calls; *call; call++)
        call_one(&w, *call);
    buf_fini(&b);
}

static void test_wrong_use(void **state)
{
    (void)state;
    const char *wrong[] = {"}", "]", "{]", "[}", "k", "[k", "{1", "{kk", "{k}", "{k11", "{[", "{k1}}"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_case(check_aborts(call_all, &wrong[i]), wrong[i]);
    const char *right[] = {"{k[1{}]k1}", "[[][{k1}]1]", "1"};
    for (size_t i = 0; i < COUNT_OF(right); i++)
        check_case(!check_aborts(call_all, &right[i]), right[i]);
    struct buf b;
    struct json_writer w;
    buf_init(&b, 10000);
    json_writer_init(&w, &b);
    assert_true(check_aborts(too_deep, &w));
    buf_fini(&b);
}

static void test_overflow(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    struct json_writer w;
    json_writer_init(&w, &b);
    json_begin_object(&w);
    json_field_str(&w, STR("key"), STR("value"));
    json_end_object(&w);
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

/* What was begun and not wanted leaves nothing behind, in whatever container it began. */
static void test_rewind(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    struct json_writer w;
    json_writer_init(&w, &b);
    json_begin_object(&w);
    struct json_writer_mark empty = json_writer_mark(&w);
    json_key(&w, STR("a"));
    json_begin_array(&w);
    json_put_int(&w, 1);
    json_begin_object(&w);
    json_writer_rewind(&w, empty);
    json_field_int(&w, STR("b"), 2);
    struct json_writer_mark filled = json_writer_mark(&w);
    json_field_int(&w, STR("c"), 3);
    json_writer_rewind(&w, filled);
    json_key(&w, STR("d"));
    json_begin_array(&w);
    struct json_writer_mark inside = json_writer_mark(&w);
    json_put_int(&w, 4);
    json_writer_rewind(&w, inside);
    json_end_array(&w);
    json_end_object(&w);
    check_str(buf_str(&b), STR("{\"b\":2,\"d\":[]}"), "rewound");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything), cmocka_unit_test(test_value_alone), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_wrong_use),  cmocka_unit_test(test_overflow),    cmocka_unit_test(test_rewind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
