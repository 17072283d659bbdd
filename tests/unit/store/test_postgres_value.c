#include "store/postgres_value.h"

#include <string.h>

#include "check.h"

#define S(literal) STR_INIT(literal)

static const struct {
    const char *name;
    struct str text, escaped; /* p == NULL: stands as it is */
} texts[] = {
    {"empty", S(""), {NULL, 0}},
    {"plain", S("text \x02\x7f"), {NULL, 0}},
    {"characters", S("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8f\xa0"), {NULL, 0}},
    {"NUL alone", S("\0"), S("\1\1")},
    {"NUL between", S("a\0b"), S("a\1\1b")},
    {"the escape itself", S("\1"), S("\1\2")},
    {"looks escaped", S("\1\1"), S("\1\2\1\2")},
    {"a stray byte", S("a\xff"), S("a\1\x1f\x1f")},
    {"a character cut off", S("\xe2\x82"), S("\1\x1e\x12\1\x18\x12")},
    {"a surrogate", S("\xed\xa0\x80x"), S("\1\x1e\x1d\1\x1a\x10\1\x18\x10x")},
    {"all of it", S("\xc3\xa9\0\1\xc3\xa9\x80"), S("\xc3\xa9\1\1\1\2\xc3\xa9\1\x18\x10")},
};

static void text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str escaped = postgres_text_escape(texts[i].text);
        check_case((escaped.p != NULL) == (texts[i].escaped.p != NULL), texts[i].name);
        if (escaped.p)
            check_str(escaped, texts[i].escaped, texts[i].name);
        struct str stored = escaped.p ? escaped : texts[i].text;
        char back[64];
        memcpy(back, stored.p, stored.n);
        size_t n = postgres_text_unescape(back, stored.n);
        check_str(((struct str){back, n}), texts[i].text, texts[i].name);
        free((char *)(uintptr_t)escaped.p);
    }
}

/* Any bytes come back, and valid text keeps its order. */
static void random_text(void **state)
{
    (void)state;
    unsigned seed = 1;
    char before[2][16], escaped[2][48];
    for (int round = 0; round < 20000; round++) {
        struct str s[2], e[2];
        bool order = round % 2;
        for (int i = 0; i < 2; i++) {
            s[i] = (struct str){before[i], (size_t)rand_r(&seed) % sizeof before[i]};
            for (size_t k = 0; k < s[i].n; k++)
                before[i][k] = (char)(order ? rand_r(&seed) % 4 : rand_r(&seed));
            e[i] = postgres_text_escape(s[i]);
            struct str stored = e[i].p ? e[i] : s[i];
            memcpy(escaped[i], stored.p, stored.n);
            free((char *)(uintptr_t)e[i].p);
            e[i] = (struct str){escaped[i], stored.n};
        }
        int want = str_cmp(s[0], s[1]), got = str_cmp(e[0], e[1]);
        assert_true((want == 0) == (got == 0));
        assert_true(!order || (want < 0) == (got < 0));
        check_str(((struct str){escaped[0], postgres_text_unescape(escaped[0], e[0].n)}), s[0], "back");
    }
}

static const struct {
    const char *name;
    unsigned type;
    struct str cell;
    bool ok;
    int64_t want;
} numbers[] = {
    {"int8", POSTGRES_INT8, S("\0\0\0\0\0\0\1\2"), true, 258},
    {"int8 smallest", POSTGRES_INT8, S("\x80\0\0\0\0\0\0\0"), true, INT64_MIN},
    {"int4 below 0", POSTGRES_INT4, S("\xff\xff\xff\xfe"), true, -2},
    {"int2", POSTGRES_INT2, S("\x7f\xff"), true, 32767},
    {"bool", POSTGRES_BOOL, S("\1"), true, 1},
    {"numeric 0", POSTGRES_NUMERIC, S("\0\0\0\0\0\0\0\0"), true, 0},
    {"numeric 12", POSTGRES_NUMERIC, S("\0\1\0\0\0\0\0\0\0\x0c"), true, 12},
    {"numeric 10000", POSTGRES_NUMERIC, S("\0\1\0\1\0\0\0\0\0\1"), true, 10000},
    {"numeric -10002", POSTGRES_NUMERIC, S("\0\2\0\1\x40\0\0\0\0\1\0\2"), true, -10002},
    {"numeric 1.5", POSTGRES_NUMERIC, S("\0\2\0\0\0\0\0\1\0\1\x13\x88"), true, 1},
    {"numeric too large", POSTGRES_NUMERIC, S("\0\1\0\5\0\0\0\0\0\1"), false, 0},
    {"numeric NaN", POSTGRES_NUMERIC, S("\0\0\0\0\xc0\0\0\0"), false, 0},
    {"numeric cut off", POSTGRES_NUMERIC, S("\0\2\0\0\0\0\0\0\0\1"), false, 0},
    {"text", POSTGRES_TEXT, S("12"), false, 0},
};

static void integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t got = 0;
        check_case(postgres_integer(numbers[i].type, numbers[i].cell, &got) == numbers[i].ok, numbers[i].name);
        check_case(!numbers[i].ok || got == numbers[i].want, numbers[i].name);
    }
    static const int64_t values[] = {0, 1, -1, 255, 256, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char cell[8];
        int64_t got = 0;
        postgres_put_i64(values[i], cell);
        assert_true(postgres_integer(POSTGRES_INT8, (struct str){cell, 8}, &got));
        assert_true(got == values[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(random_text),
        cmocka_unit_test(integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
