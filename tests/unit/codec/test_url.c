#include "base/arena.h"
#include "codec/url.h"

#include "check.h"

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str text;
        unsigned flags;
        bool ok;
        struct str want;
    } cases[] = {
        {"empty", STR_INIT(""), 0, true, STR_INIT("")},
        {"nothing to decode", STR_INIT("abc-._~"), 0, true, STR_INIT("abc-._~")},
        {"room alias", STR_INIT("%23room%3Aexample.org"), 0, true, STR_INIT("#room:example.org")},
        {"slash", STR_INIT("a%2Fb%2fc"), 0, true, STR_INIT("a/b/c")},
        {"plus stays", STR_INIT("a+b%2B"), 0, true, STR_INIT("a+b+")},
        {"plus is a space", STR_INIT("a+b%2B"), URL_PLUS_IS_SPACE, true, STR_INIT("a b+")},
        {"once only", STR_INIT("%2541"), 0, true, STR_INIT("%41")},
        {"any byte", STR_INIT("%ff%80"), 0, true, STR_INIT("\xff\x80")},
        {"bytes as they are", STR_INIT("\xc3\xa9%20"), 0, true, STR_INIT("\xc3\xa9 ")},
        {"NUL", STR_INIT("a%00b"), 0, true, STR_INIT("a\0b")},
        {"bare NUL", STR_INIT("a\0b"), 0, true, STR_INIT("a\0b")},
        {"percent alone", STR_INIT("%"), 0, false, STR_INIT("")},
        {"one digit", STR_INIT("abc%4"), 0, false, STR_INIT("")},
        {"no digit", STR_INIT("%zz"), 0, false, STR_INIT("")},
        {"second is no digit", STR_INIT("%4g"), 0, false, STR_INIT("")},
        {"sign", STR_INIT("%+1"), 0, false, STR_INIT("")},
        {"blank", STR_INIT("% 1"), 0, false, STR_INIT("")},
        {"two percents", STR_INIT("%%41"), 0, false, STR_INIT("")},
        {"next to the digits", STR_INIT("%:0"), 0, false, STR_INIT("")},
        {"next to the letters", STR_INIT("%`0"), 0, false, STR_INIT("")},
        {"unicode escape", STR_INIT("%u0041"), 0, false, STR_INIT("")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct str text = str_copy(a, cases[i].text);
        struct str out = {NULL, 0};
        size_t before = arena_used(a);
        check_case(url_decode(a, text, cases[i].flags, &out) == cases[i].ok, cases[i].name);
        if (cases[i].ok)
            check_str(out, cases[i].want, cases[i].name);
        else
            assert_int_equal(arena_used(a), before);
        char room[32];
        check_case(url_decode_into(room, sizeof room, text, cases[i].flags, &out) == cases[i].ok, cases[i].name);
        if (cases[i].ok)
            check_str(out, cases[i].want, cases[i].name);
        check_case(url_valid(text) == cases[i].ok, cases[i].name);
        arena_free(&a);
    }
}

static void test_encode(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *want;
    } cases[] = {
        {STR_INIT(""), ""},
        {STR_INIT("AZaz09-._~"), "AZaz09-._~"},
        {STR_INIT("!room:example.org"), "%21room%3Aexample.org"},
        {STR_INIT("a/b?c=d&e+f g%"), "a%2Fb%3Fc%3Dd%26e%2Bf%20g%25"},
        {STR_INIT("@[`{^"), "%40%5B%60%7B%5E"},
        {STR_INIT("\0\xc3\xa9\x7f"), "%00%C3%A9%7F"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        check_str(url_encode(a, cases[i].text), str_of(cases[i].want), cases[i].want);
        arena_free(&a);
    }
}

static void test_every_byte_comes_back(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char text[256];
    for (int i = 0; i < 256; i++)
        text[i] = (char)i;
    struct str bytes = {text, sizeof(text)};
    struct str back;
    assert_true(url_decode(a, url_encode(a, bytes), 0, &back));
    check_str(back, bytes, "all bytes");
    assert_true(url_decode(a, url_encode(a, bytes), URL_PLUS_IS_SPACE, &back));
    check_str(back, bytes, "all bytes, in a query");
    arena_free(&a);
}

static void test_room(void **state)
{
    (void)state;
    char to[] = "....";
    struct str out;
    assert_true(url_decode_into(to, 3, STR("a%2Fb"), 0, &out));
    check_str(out, STR("a/b"), "as much as there is room for");
    assert_false(url_decode_into(to, 3, STR("a%2Fbc"), 0, &out));
    assert_true(to[3] == '.');
    assert_true(url_decode_into(to, 0, STR(""), 0, &out));
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_every_byte_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
