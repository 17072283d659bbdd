#include "base/arena.h"
#include "codec/base64.h"

#include "check.h"

static void test_both_ways(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *standard;
        const char *url;
    } cases[] = {
        /* RFC 4648, section 10, and appendices, "Unpadded Base64". */
        {STR_INIT(""), "", ""},
        {STR_INIT("f"), "Zg", "Zg"},
        {STR_INIT("fo"), "Zm8", "Zm8"},
        {STR_INIT("foo"), "Zm9v", "Zm9v"},
        {STR_INIT("foob"), "Zm9vYg", "Zm9vYg"},
        {STR_INIT("fooba"), "Zm9vYmE", "Zm9vYmE"},
        {STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
        {STR_INIT("\0"), "AA", "AA"},
        {STR_INIT("\xff\xfe\xfb\xef\xbe"), "//77774", "__77774"},
        {STR_INIT("\xfb\xff\xbf\xfb\xef\xbe"), "+/+/++++", "-_-_----"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct str bytes = cases[i].bytes;
        struct str back;
        check_str(base64_encode(a, bytes.p, bytes.n), str_of(cases[i].standard), "standard");
        check_str(base64_url_encode(a, bytes.p, bytes.n), str_of(cases[i].url), "URL-safe");
        assert_true(base64_decode(a, base64_encode(a, bytes.p, bytes.n), &back));
        check_str(back, bytes, "standard, back");
        assert_true(base64_url_decode(a, base64_url_encode(a, bytes.p, bytes.n), &back));
        check_str(back, bytes, "URL-safe, back");
        arena_free(&a);
    }
}

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str text;
        bool standard, url, loose;
    } cases[] = {
        {"padded twice", STR_INIT("Zg=="), true, true, true},
        {"padded once", STR_INIT("Zm8="), true, true, true},
        {"padding cut short", STR_INIT("Zg="), false, false, false},
        {"padding where none is due", STR_INIT("Zm9v="), false, false, false},
        {"a quarter of padding", STR_INIT("Zm9v===="), false, false, false},
        {"padding of three", STR_INIT("Z==="), false, false, false},
        {"padding only", STR_INIT("=="), false, false, false},
        {"padding inside", STR_INIT("Zg==Zg=="), false, false, false},
        {"one letter", STR_INIT("Z"), false, false, false},
        {"five letters", STR_INIT("Zm9vZ"), false, false, false},
        {"plus", STR_INIT("+w"), true, false, true},
        {"slash", STR_INIT("/w"), true, false, true},
        {"minus", STR_INIT("-w"), false, true, false},
        {"underscore", STR_INIT("_w"), false, true, false},
        {"blank", STR_INIT("Zm 9v"), false, false, false},
        {"line feed at the end", STR_INIT("Zm9v\n"), false, false, false},
        {"NUL", STR_INIT("Zm9\0"), false, false, false},
        {"high bit", STR_INIT("Zm9\xf6"), false, false, false},
        {"bits left over, 2 letters", STR_INIT("Zh"), false, false, true},
        {"bits left over, 3 letters", STR_INIT("Zm9"), false, false, true},
        {"bits left over, padded", STR_INIT("Zm9="), false, false, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct str text = str_copy(a, cases[i].text);
        struct str out;
        size_t before = arena_used(a);
        check_case(base64_decode(a, text, &out) == cases[i].standard, cases[i].name);
        check_case(cases[i].standard || arena_used(a) == before, cases[i].name);
        check_case(base64_url_decode(a, text, &out) == cases[i].url, cases[i].name);
        check_case(base64_decode_loose(a, text, &out) == cases[i].loose, cases[i].name);
        arena_free(&a);
    }
}

static void test_loose_drops_bits(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str out;
    assert_true(base64_decode_loose(a, STR("Zh"), &out));
    check_str(out, STR("f"), "2 letters");
    assert_true(base64_decode_loose(a, STR("Zm9="), &out));
    check_str(out, STR("fo"), "3 letters");
    arena_free(&a);
}

/* Of all texts of two bytes, one and only one stands for each byte. */
static void test_one_text_each(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    unsigned accepted = 0;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        struct arena_mark mark = arena_mark(a);
        char text[2] = {(char)(bits >> 8), (char)bits};
        struct str out;
        if (base64_decode(a, (struct str){text, 2}, &out)) {
            accepted++;
            check_str(base64_encode(a, out.p, out.n), ((struct str){text, 2}), "back");
        }
        arena_release(a, mark);
    }
    assert_int_equal(accepted, 256);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_loose_drops_bits),
        cmocka_unit_test(test_one_text_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
