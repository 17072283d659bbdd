#include "base/arena.h"
#include "codec/utf8.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *name;
    struct str text;
    size_t valid; /* bytes before the first that is wrong */
} cases[] = {
    {"empty", STR_INIT(""), 0},
    {"ASCII with NUL and DEL", STR_INIT("a\0\x7f"), 3},
    {"2 bytes, first", STR_INIT("\xc2\x80"), 2},
    {"2 bytes, last", STR_INIT("\xdf\xbf"), 2},
    {"3 bytes, first", STR_INIT("\xe0\xa0\x80"), 3},
    {"before the surrogates", STR_INIT("\xed\x9f\xbf"), 3},
    {"after the surrogates", STR_INIT("\xee\x80\x80"), 3},
    {"3 bytes, last", STR_INIT("\xef\xbf\xbf"), 3},
    {"4 bytes, first", STR_INIT("\xf0\x90\x80\x80"), 4},
    {"4 bytes, last", STR_INIT("\xf4\x8f\xbf\xbf"), 4},
    {"byte order mark", STR_INIT("\xef\xbb\xbfx"), 4},
    {"continuation alone", STR_INIT("ab\x80"), 2},
    {"BF alone", STR_INIT("\xbf"), 0},
    {"overlong NUL", STR_INIT("\xc0\x80"), 0},
    {"overlong DEL", STR_INIT("\xc1\xbf"), 0},
    {"overlong, 3 bytes", STR_INIT("\xe0\x9f\xbf"), 0},
    {"overlong NUL, 3 bytes", STR_INIT("\xe0\x80\x80"), 0},
    {"overlong, 4 bytes", STR_INIT("\xf0\x8f\xbf\xbf"), 0},
    {"first surrogate", STR_INIT("\xed\xa0\x80"), 0},
    {"last surrogate", STR_INIT("\xed\xbf\xbf"), 0},
    {"pair of surrogates", STR_INIT("\xed\xa0\xbd\xed\xb8\x80"), 0},
    {"U+110000", STR_INIT("\xf4\x90\x80\x80"), 0},
    {"F5", STR_INIT("\xf5\x80\x80\x80"), 0},
    {"5 bytes", STR_INIT("\xf8\x88\x80\x80\x80"), 0},
    {"6 bytes", STR_INIT("\xfc\x84\x80\x80\x80\x80"), 0},
    {"FE FF", STR_INIT("\xfe\xff"), 0},
    {"2 bytes, cut", STR_INIT("\xc3"), 0},
    {"3 bytes, cut", STR_INIT("\xe6\x97"), 0},
    {"4 bytes, cut after 1", STR_INIT("\xf0"), 0},
    {"4 bytes, cut after 3", STR_INIT("\xf0\x9f\x98"), 0},
    {"2 bytes, then ASCII", STR_INIT("\xc3x"), 0},
    {"3 bytes, then ASCII", STR_INIT("\xe6\x97x"), 0},
    {"4 bytes, then ASCII", STR_INIT("\xf0\x9f\x98x"), 0},
    {"4 bytes, then a lead", STR_INIT("\xf0\x9f\xc3\xa9"), 0},
    {"one continuation too many", STR_INIT("\xc3\xa9\xa9"), 2},
    {"mixed", STR_INIT("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z"), 11},
    {"mixed and long", STR_INIT("0123456789abcdef0123456789\xc3\xa9 0123456789abcdef0123456789\xff"), 55},
};

static void test_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct str text = str_copy(a, cases[i].text);
        check_case(utf8_valid(text) == (cases[i].valid == text.n), cases[i].name);
        check_case(utf8_valid_length(text) == cases[i].valid, cases[i].name);
        arena_free(&a);
    }
    assert_true(utf8_valid((struct str){NULL, 0}));
}

/* All that can be: every code point there and back, and every number that is none. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110010; c++) {
        char text[UTF8_MAX_BYTES];
        size_t n = utf8_encode(c, text);
        bool is_character = c < 0xd800 || (c > 0xdfff && c < 0x110000);
        size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        assert_int_equal(n, is_character ? size : 0);
        if (!is_character)
            continue;
        uint32_t back = UINT32_MAX;
        assert_int_equal(utf8_decode((struct str){text, n}, &back), n);
        assert_int_equal(back, c);
        assert_int_equal(utf8_decode((struct str){text, n - 1}, &back), 0);
    }
    char text[UTF8_MAX_BYTES];
    assert_int_equal(utf8_encode(UINT32_MAX, text), 0);
}

/* Every sequence of up to three bytes: valid exactly if it is cut into characters that encode back to it. */
static void test_every_short_sequence(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes < 0x1000000; bytes++) {
        char text[3] = {(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
        uint32_t c;
        size_t n = utf8_decode((struct str){text, 3}, &c);
        char back[UTF8_MAX_BYTES];
        if (n && (utf8_encode(c, back) != n || memcmp(back, text, n) != 0))
            fail_msg("%06x decodes to U+%04X", bytes, c);
        if (n == 0 && (unsigned char)text[0] < 0x80)
            fail_msg("%06x does not decode", bytes);
    }
}

static void test_count(void **state)
{
    (void)state;
    assert_int_equal(utf8_count(STR("")), 0);
    assert_int_equal(utf8_count(STR("a\0b")), 3);
    assert_int_equal(utf8_count(STR("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80")), 4);
    assert_int_equal(utf8_count((struct str){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
