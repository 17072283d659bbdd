#include "codec/json.h"

#include <string.h>

#include "check.h"

struct text_case {
    const char *name;
    struct str text;
};

static const struct text_case accepted[] = {
    {"object", STR_INIT("{}")},
    {"array", STR_INIT("[]")},
    {"nothing but a string", STR_INIT("\"\"")},
    {"nothing but a number", STR_INIT("0")},
    {"nothing but a name", STR_INIT("null")},
    {"blanks of all kinds",
     STR_INIT(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n2 \t\r\n} \t\r\n] \t\r\n")},
    {"names", STR_INIT("[true,false,null]")},
    {"empty key", STR_INIT("{\"\":0}")},
    {"key with a NUL", STR_INIT("{\"a\\u0000b\":0,\"a\\u0000c\":0}")},
    {"keys that are prefixes", STR_INIT("{\"ab\":0,\"a\":0,\"abc\":0,\"\":0}")},
    {"keys that differ in case", STR_INIT("{\"a\":0,\"A\":0}")},
    {"keys that differ in normal form", STR_INIT("{\"\xc3\xa9\":0,\"e\xcc\x81\":0}")},
    {"every short escape", STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")},
    {"hexadecimal digits of both cases", STR_INIT("\"\\u00fF\\uABcd\"")},
    {"pair of surrogates", STR_INIT("\"\\uD834\\udd1e\"")},
    {"highest pair", STR_INIT("\"\\udbff\\udfff\"")},
    {"characters next to surrogates", STR_INIT("\"\\ud7ff\\ue000\"")},
    {"escaped non-characters", STR_INIT("\"\\uffff\\ufdd0\"")},
    {"DEL", STR_INIT("\"\x7f\"")},
    {"UTF-8 of each size, first", STR_INIT("\"\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80\"")},
    {"UTF-8 of each size, last", STR_INIT("\"\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf\"")},
    {"UTF-8 next to surrogates", STR_INIT("\"\xed\x9f\xbf\xee\x80\x80\"")},
    {"U+2028", STR_INIT("\"\xe2\x80\xa8\"")},
    {"escape at the end", STR_INIT("\"0123456789abcde\\n\"")},
    {"number then end of array", STR_INIT("[1]")},
    {"fraction", STR_INIT("[0.5,-0.5,12.50]")},
    {"exponents", STR_INIT("[1e5,1E5,1e+5,1e-5,0e0,-0e-0,1.5e10]")},
    {"huge exponent", STR_INIT("1e999999999999999999")},
    {"long integer", STR_INIT("123456789012345678901234567890123456789012345678901234567890")},
};

static const struct {
    const char *name;
    struct str text;
    size_t offset;
    const char *error;
} refused[] = {
    {"nothing", STR_INIT(""), 0, "unexpected end of text"},
    {"blanks only", STR_INIT(" \n "), 3, "unexpected end of text"},
    {"two values", STR_INIT("1 2"), 2, "bytes after the value"},
    {"bytes after an object", STR_INIT("{}x"), 2, "bytes after the value"},
    {"closed twice", STR_INIT("[]]"), 2, "bytes after the value"},
    {"NUL at the end", STR_INIT("{}\0"), 2, "bytes after the value"},
    {"NUL instead of a value", STR_INIT("[\0]"), 1, "unexpected character"},
    {"byte order mark", STR_INIT("\xef\xbb\xbf{}"), 0, "unexpected character"},
    {"UTF-16", STR_INIT("{\0}\0"), 1, "expected the name of a member"},
    {"vertical tab", STR_INIT("\v1"), 0, "unexpected character"},
    {"form feed", STR_INIT("[\f]"), 1, "unexpected character"},
    {"no-break space", STR_INIT("\xc2\xa0[]"), 0, "unexpected character"},
    {"comment", STR_INIT("[1/**/]"), 2, "expected ',' or ']'"},
    {"name in capitals", STR_INIT("True"), 0, "unexpected character"},
    {"name cut off", STR_INIT("[tru]"), 1, "unexpected character"},
    {"name at the end", STR_INIT("nul"), 0, "unexpected character"},
    {"name too long", STR_INIT("nulll"), 4, "bytes after the value"},
    {"NaN", STR_INIT("NaN"), 0, "unexpected character"},
    {"Infinity", STR_INIT("-Infinity"), 1, "invalid number"},

    {"array open", STR_INIT("["), 1, "unexpected end of text"},
    {"array open after a value", STR_INIT("[1"), 2, "unexpected end of text"},
    {"array open after a comma", STR_INIT("[1,"), 3, "unexpected end of text"},
    {"comma before the end of an array", STR_INIT("[1,]"), 3, "unexpected character"},
    {"comma first", STR_INIT("[,1]"), 1, "unexpected character"},
    {"two commas", STR_INIT("[1,,2]"), 3, "unexpected character"},
    {"no comma", STR_INIT("[1 2]"), 3, "expected ',' or ']'"},
    {"array closed by a brace", STR_INIT("[1}"), 2, "expected ',' or ']'"},
    {"object open", STR_INIT("{"), 1, "unexpected end of text"},
    {"object open after a key", STR_INIT("{\"a\""), 4, "unexpected end of text"},
    {"object open after a colon", STR_INIT("{\"a\":"), 5, "unexpected end of text"},
    {"object open after a value", STR_INIT("{\"a\":1"), 6, "unexpected end of text"},
    {"comma before the end of an object", STR_INIT("{\"a\":1,}"), 7, "expected the name of a member"},
    {"no colon", STR_INIT("{\"a\" 1}"), 5, "expected ':'"},
    {"two colons", STR_INIT("{\"a\"::1}"), 5, "unexpected character"},
    {"no value", STR_INIT("{\"a\":}"), 5, "unexpected character"},
    {"key without quotes", STR_INIT("{a:1}"), 1, "expected the name of a member"},
    {"key in single quotes", STR_INIT("{'a':1}"), 1, "expected the name of a member"},
    {"number as key", STR_INIT("{1:1}"), 1, "expected the name of a member"},
    {"object closed by a bracket", STR_INIT("{\"a\":1]"), 6, "expected ',' or '}'"},

    {"key twice", STR_INIT("{\"a\":1,\"a\":1}"), 7, "duplicate key"},
    {"key twice, apart and in disorder", STR_INIT("{\"b\":1,\"c\":2,\"a\":3,\"b\":4}"), 19, "duplicate key"},
    {"key twice, once escaped", STR_INIT("{\"a\":1,\"\\u0061\":1}"), 7, "duplicate key"},
    {"key twice, escaped and apart", STR_INIT("{\"b\":1,\"a\":1,\"\\u0062\":1}"), 23, "duplicate key"},
    {"empty key twice", STR_INIT("{\"\":1,\"\":1}"), 6, "duplicate key"},
    {"key twice, inside", STR_INIT("[{\"x\":{\"a\":1,\"a\":1}}]"), 13, "duplicate key"},

    {"string open", STR_INIT("\"abc"), 4, "unexpected end of text"},
    {"string open after a backslash", STR_INIT("\"abc\\"), 5, "unexpected end of text"},
    {"string open after an escaped quote", STR_INIT("\"abc\\\""), 6, "unexpected end of text"},
    {"long string open", STR_INIT("\"0123456789abcdef0123456789abcdef"), 33, "unexpected end of text"},
    {"control character", STR_INIT("\"a\x01\""), 2, "control character in a string"},
    {"line feed", STR_INIT("\"a\n\""), 2, "control character in a string"},
    {"tab", STR_INIT("\"\t\""), 1, "control character in a string"},
    {"NUL in a string", STR_INIT("\"0123456789abcdefg\0\""), 18, "control character in a string"},
    {"unknown escape", STR_INIT("\"\\a\""), 1, "invalid escape in a string"},
    {"escape in capitals", STR_INIT("\"\\N\""), 1, "invalid escape in a string"},
    {"escaped single quote", STR_INIT("\"\\'\""), 1, "invalid escape in a string"},
    {"hexadecimal escape", STR_INIT("\"\\x41\""), 1, "invalid escape in a string"},
    {"escaped NUL byte", STR_INIT("\"\\\0\""), 1, "invalid escape in a string"},
    {"escaped UTF-8", STR_INIT("\"\\\xc3\xa9\""), 1, "invalid escape in a string"},
    {"three digits", STR_INIT("\"\\u123\""), 1, "invalid escape in a string"},
    {"no digits", STR_INIT("\"x\\u\""), 2, "invalid escape in a string"},
    {"wrong digit", STR_INIT("\"\\u00g0\""), 1, "invalid escape in a string"},
    {"digits with a sign", STR_INIT("\"\\u+123\""), 1, "invalid escape in a string"},
    {"lone high surrogate", STR_INIT("\"\\ud800\""), 1, "lone surrogate in a string"},
    {"lone low surrogate", STR_INIT("\"\\udc00\""), 1, "lone surrogate in a string"},
    {"pair the wrong way", STR_INIT("\"\\udc00\\ud800\""), 1, "lone surrogate in a string"},
    {"two high surrogates", STR_INIT("\"\\ud800\\ud800\""), 1, "lone surrogate in a string"},
    {"high surrogate and a letter", STR_INIT("\"\\ud800\\u0041\""), 1, "lone surrogate in a string"},
    {"high surrogate and text", STR_INIT("\"\\ud800xxxxxx\""), 1, "lone surrogate in a string"},
    {"high surrogate and half an escape", STR_INIT("\"\\ud800\\udc0\""), 1, "lone surrogate in a string"},
    {"lone surrogate after a pair", STR_INIT("\"\\ud800\\udc00\\udc00\""), 13, "lone surrogate in a string"},
    {"lone surrogate in a key", STR_INIT("{\"\\udead\":1}"), 2, "lone surrogate in a string"},

    {"continuation alone", STR_INIT("\"\x80\""), 1, "invalid UTF-8"},
    {"overlong, 2 bytes", STR_INIT("\"\xc0\xaf\""), 1, "invalid UTF-8"},
    {"overlong, 2 bytes, last", STR_INIT("\"\xc1\xbf\""), 1, "invalid UTF-8"},
    {"overlong, 3 bytes", STR_INIT("\"\xe0\x9f\xbf\""), 1, "invalid UTF-8"},
    {"overlong, 4 bytes", STR_INIT("\"\xf0\x8f\xbf\xbf\""), 1, "invalid UTF-8"},
    {"surrogate, first", STR_INIT("\"\xed\xa0\x80\""), 1, "invalid UTF-8"},
    {"surrogate, last", STR_INIT("\"\xed\xbf\xbf\""), 1, "invalid UTF-8"},
    {"above U+10FFFF", STR_INIT("\"\xf4\x90\x80\x80\""), 1, "invalid UTF-8"},
    {"five bytes", STR_INIT("\"\xf8\x88\x80\x80\x80\""), 1, "invalid UTF-8"},
    {"FF", STR_INIT("\"\xff\""), 1, "invalid UTF-8"},
    {"character cut off by the quote", STR_INIT("\"\xe6\x97\""), 1, "invalid UTF-8"},
    {"character cut off by the end", STR_INIT("\"\xf0\x9f\x98"), 1, "invalid UTF-8"},
    {"good then bad", STR_INIT("\"0123456789abcdef\xe6\x97\xa5\xe6\x97\""), 20, "invalid UTF-8"},
    {"Latin 1", STR_INIT("{\"caf\xe9\":1}"), 5, "invalid UTF-8"},
    {"bad byte after an escape", STR_INIT("\"\\n\xff\""), 3, "invalid UTF-8"},
    {"bad byte outside strings", STR_INIT("[\xff]"), 1, "unexpected character"},

    {"sign alone", STR_INIT("-"), 1, "unexpected end of text"},
    {"sign and a bracket", STR_INIT("[-]"), 2, "invalid number"},
    {"plus", STR_INIT("+1"), 0, "unexpected character"},
    {"two signs", STR_INIT("--1"), 1, "invalid number"},
    {"leading zero", STR_INIT("01"), 1, "bytes after the value"},
    {"negative leading zero", STR_INIT("[-01]"), 3, "expected ',' or ']'"},
    {"two zeros", STR_INIT("00"), 1, "bytes after the value"},
    {"point first", STR_INIT(".5"), 0, "unexpected character"},
    {"sign and a point", STR_INIT("-.5"), 1, "invalid number"},
    {"point last", STR_INIT("[1.]"), 3, "invalid number"},
    {"point at the end", STR_INIT("1."), 2, "unexpected end of text"},
    {"two points", STR_INIT("1.2.3"), 3, "bytes after the value"},
    {"point and an exponent", STR_INIT("[1.e5]"), 3, "invalid number"},
    {"no exponent", STR_INIT("[1e]"), 3, "invalid number"},
    {"no digits of an exponent", STR_INIT("[1e+]"), 4, "invalid number"},
    {"two signs of an exponent", STR_INIT("1e+-1"), 3, "invalid number"},
    {"fraction of an exponent", STR_INIT("1e1.5"), 3, "bytes after the value"},
    {"exponent only", STR_INIT("e5"), 0, "unexpected character"},
    {"hexadecimal", STR_INIT("0x10"), 1, "bytes after the value"},
    {"blank in a number", STR_INIT("1 000"), 2, "bytes after the value"},
    {"underscore", STR_INIT("1_000"), 1, "bytes after the value"},
    {"digits of another script", STR_INIT("\xef\xbc\x91"), 0, "unexpected character"},
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct arena *a = arena_new();
        struct json_result r = json_parse(a, accepted[i].text, JSON_DEPTH_MAX);
        check_case(r.value != NULL && r.error == NULL, accepted[i].name);
        arena_free(&a);
    }
}

/* From a copy of exactly this size, so that a sanitizer sees a read beyond it. */
static struct json_result parse_copy(struct arena *a, struct str text, unsigned max_depth)
{
    return json_parse(a, str_copy(a, text), max_depth);
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct arena *a = arena_new();
        struct json_result r = parse_copy(a, refused[i].text, JSON_DEPTH_MAX);
        check_case(r.value == NULL && r.error != NULL, refused[i].name);
        check_str(str_of(r.error), str_of(refused[i].error), refused[i].name);
        if (r.offset != refused[i].offset)
            print_error("%s: offset %zu\n", refused[i].name, r.offset);
        assert_int_equal(r.offset, refused[i].offset);
        arena_free(&a);
    }
}

/* Whatever was accepted is refused when its end is missing, but for a number, which may end anywhere. */
static void test_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct str text = str_trim(accepted[i].text);
        if (text.p[0] != '{' && text.p[0] != '[' && text.p[0] != '"')
            continue;
        for (size_t n = 0; n < text.n; n++) {
            struct arena *a = arena_new();
            check_case(parse_copy(a, str_slice(text, 0, n), JSON_DEPTH_MAX).value == NULL, accepted[i].name);
            arena_free(&a);
        }
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_type type;
        int64_t i;
        bool has_double;
        double d;
    } cases[] = {
        {"0", JSON_INT, 0, true, 0},
        {"-0", JSON_FLOAT, 0, true, 0},
        {"1", JSON_INT, 1, true, 1},
        {"-1", JSON_INT, -1, true, -1},
        {"1234567890", JSON_INT, 1234567890, true, 1234567890},
        {"9007199254740991", JSON_INT, 9007199254740991, true, 9007199254740991.0},
        {"-9007199254740991", JSON_INT, -9007199254740991, true, -9007199254740991.0},
        {"9007199254740992", JSON_FLOAT, 0, true, 9007199254740992.0},
        {"-9007199254740992", JSON_FLOAT, 0, true, -9007199254740992.0},
        {"9999999999999999", JSON_FLOAT, 0, true, 9999999999999999.0},
        {"10000000000000000", JSON_FLOAT, 0, true, 1e16},
        {"18446744073709551616", JSON_FLOAT, 0, true, 18446744073709551616.0}, /* 2^64: the sum is 0 */
        {"18446744073709551617", JSON_FLOAT, 0, true, 18446744073709551616.0},
        {"1.0", JSON_FLOAT, 0, true, 1},
        {"0.5", JSON_FLOAT, 0, true, 0.5},
        {"-2.5e-1", JSON_FLOAT, 0, true, -0.25},
        {"1e3", JSON_FLOAT, 0, true, 1000},
        {"1E+3", JSON_FLOAT, 0, true, 1000},
        {"1e-400", JSON_FLOAT, 0, true, 0},
        {"1e400", JSON_FLOAT, 0, false, 0},
        {"-1e400", JSON_FLOAT, 0, false, 0},
        {"0.1000000000000000000000000000000000000000000000000000000000000000000000000000", JSON_FLOAT, 0, true, 0.1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct json_result r = parse_copy(a, str_of(cases[i].text), 0);
        check_case(json_is(r.value, cases[i].type), cases[i].text);
        if (cases[i].type == JSON_INT)
            assert_int_equal(r.value->i, cases[i].i);
        else
            check_str(r.value->s, str_of(cases[i].text), "text of a float");
        double d;
        check_case(json_number(r.value, &d) == cases[i].has_double, cases[i].text);
        check_case(!cases[i].has_double || (d >= cases[i].d && d <= cases[i].d), cases[i].text);
        arena_free(&a);
    }
}

static void test_strings(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"\"\"", STR_INIT("")},
        {"\"plain\"", STR_INIT("plain")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", STR_INIT("\"\\/\b\f\n\r\t")},
        {"\"\\u0000\"", STR_INIT("\0")},
        {"\"x\\u0041\\u00e9\\u65e5\\ud83d\\ude80y\"", STR_INIT("xA\xc3\xa9\xe6\x97\xa5\xf0\x9f\x9a\x80y")},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"",
         STR_INIT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {"\"a long one without anything special, beyond two blocks of sixteen\"",
         STR_INIT("a long one without anything special, beyond two blocks of sixteen")},
        {"\"\xe6\x97\xa5\xe6\x9c\xac and \\u8a9e\"", STR_INIT("\xe6\x97\xa5\xe6\x9c\xac and \xe8\xaa\x9e")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct json_result r = parse_copy(a, str_of(cases[i].name), 0);
        check_case(json_is(r.value, JSON_STRING), cases[i].name);
        check_str(r.value->s, cases[i].text, cases[i].name);
        arena_free(&a);
    }
}

/* Every byte at every place of a block: the scan by blocks and the one by bytes must see the same. */
static void test_every_place(void **state)
{
    (void)state;
    for (size_t at = 0; at < 40; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[44];
            memset(text, 'x', sizeof(text));
            text[0] = '"';
            text[1 + at] = (char)byte;
            text[sizeof(text) - 1] = '"';
            bool fine = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            struct arena *a = arena_new();
            struct json_result r = parse_copy(a, (struct str){text, sizeof(text)}, 0);
            assert_int_equal(r.value != NULL, fine);
            assert_int_equal(r.offset, fine ? 0 : byte == '"' ? at + 2 : at + 1);
            arena_free(&a);
        }
    }
}

static struct str nested(struct arena *a, const char *open, const char *close, unsigned depth)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < depth; i++)
        buf_add(&b, str_of(open));
    buf_add_char(&b, '0');
    for (unsigned i = 0; i < depth; i++)
        buf_add(&b, str_of(close));
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_non_null(json_parse(a, STR("1"), 0).value);
    assert_null(json_parse(a, STR("[]"), 0).value);
    assert_null(json_parse(a, STR("{}"), 0).value);
    assert_non_null(json_parse(a, STR("[{},[],{}]"), 2).value);
    assert_non_null(json_parse(a, nested(a, "[", "]", JSON_DEPTH_MAX), JSON_DEPTH_MAX).value);
    assert_non_null(json_parse(a, nested(a, "{\"a\":", "}", JSON_DEPTH_MAX), JSON_DEPTH_MAX).value);
    struct json_result r = json_parse(a, nested(a, "[", "]", JSON_DEPTH_MAX + 1), JSON_DEPTH_MAX);
    assert_string_equal(r.error, "nested too deeply");
    assert_int_equal(r.offset, JSON_DEPTH_MAX);
    assert_null(json_parse(a, nested(a, "[", "]", 100000), JSON_DEPTH_MAX).value);
    assert_null(json_parse(a, nested(a, "{\"a\":", "}", 100000), JSON_DEPTH_MAX).value);
    arena_free(&a);
}

static void test_too_long(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const char text[] = "1";
    /* Refused for its length, before a byte of it is read. */
    struct json_result r = json_parse(a, (struct str){text, (size_t)UINT32_MAX + 1}, JSON_DEPTH_MAX);
    assert_null(r.value);
    assert_string_equal(r.error, "text too long");
    arena_free(&a);
}

static void test_failure_leaves_arena(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    size_t before = arena_used(a);
    assert_null(json_parse(a, STR("[{\"a\\n\":1},[1,2,3],\"\\t\",]"), JSON_DEPTH_MAX).value);
    assert_int_equal(arena_used(a), before);
    arena_free(&a);
}

/* The orders that make a careless sort slow, each with the keys 0 ... n-1. */
static unsigned place(unsigned order, unsigned i, unsigned n)
{
    switch (order) {
    case 0:
        return i;
    case 1:
        return n - 1 - i;
    case 2:
        return i % 2 ? i / 2 : n - 1 - i / 2; /* from both ends */
    default:
        return (unsigned)((uint64_t)i * 7919 % n); /* n has no factor 7919 */
    }
}

static struct str object_of_many(struct arena *a, unsigned order, unsigned n)
{
    struct buf b;
    buf_init(&b, (size_t)64 << 20);
    for (unsigned i = 0; i < n; i++)
        buf_fmt(&b, "%c\"%07u\":%u", i ? ',' : '{', place(order, i, n), place(order, i, n));
    buf_add_char(&b, '}');
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

static void check_many(unsigned order, unsigned n)
{
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, object_of_many(a, order, n), 1);
    assert_non_null(r.value);
    assert_int_equal(r.value->count, n);
    for (unsigned i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%07u", i);
        assert_int_equal(r.value->members[i].value.i, i);
        check_case(str_eq(r.value->members[i].key, str_of(key)), key);
    }
    arena_free(&a);
}

static void test_many_members(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        for (unsigned n = 1; n <= 70; n++)
            check_many(order, n);
        check_many(order, 1000);
    }
    check_many(2, 1000000);
}

static void test_many_members_one_twice(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str text = object_of_many(a, 3, 100);
    char *copy = arena_alloc(a, text.n);
    memcpy(copy, text.p, text.n);
    size_t last = text.n - 1;
    while (copy[last] != ',')
        last--;
    memcpy(copy + last + 2, "0000050", 7);
    struct json_result r = json_parse(a, (struct str){copy, text.n}, 1);
    assert_null(r.value);
    assert_string_equal(r.error, "duplicate key");
    assert_int_equal(r.offset, last + 1);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_failure_leaves_arena),
        cmocka_unit_test(test_many_members),
        cmocka_unit_test(test_many_members_one_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
