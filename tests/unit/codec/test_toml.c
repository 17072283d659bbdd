#include "base/arena.h"
#include "base/buf.h"
#include "codec/toml.h"

#include <math.h>

#include "check.h"

static const char sample[] = "# the server\n"
                             "server_name = \"example.org\"\n"
                             "\n"
                             "[listen]\n"
                             "ports = [8008, 8448]\n"
                             "tls = false\n"
                             "  ratio = 0.25\n"
                             "since = 2024-05-01\n"
                             "\n"
                             "[limits.login]\n"
                             "per_second = -3\n"
                             "a.b = \"nul \\u0000 here\"\n"
                             "\n"
                             "[[bridge]]\n"
                             "id = 'one'\n"
                             "[[bridge]]\n"
                             "id = \"\"\"\n"
                             "two\n"
                             "\"\"\"\n";

static struct toml_result parsed(struct arena *a, const char *text)
{
    struct toml_result r = toml_parse(a, str_of(text));
    if (!r.table)
        print_error("line %u: %.*s\n", r.line, STR_ARG(r.error));
    assert_non_null(r.table);
    return r;
}

static void test_values(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct arena *texts = arena_new();
    struct toml_result r = toml_parse(a, str_copy(texts, str_of(sample)));
    /* The tree needs the text no more. */
    arena_free(&texts);
    assert_non_null(r.table);
    assert_int_equal(r.error.n, 0);
    check_str(toml_get(r.table, STR("server_name"))->s, STR("example.org"), "a string");
    const struct toml_value *listen = toml_get(r.table, STR("listen"));
    const struct toml_value *ports = toml_get(listen, STR("ports"));
    assert_int_equal(ports->type, TOML_ARRAY);
    assert_int_equal(ports->count, 2);
    assert_int_equal(ports->items[1].type, TOML_INTEGER);
    assert_int_equal(ports->items[1].i, 8448);
    assert_int_equal(toml_get(listen, STR("tls"))->type, TOML_BOOLEAN);
    assert_false(toml_get(listen, STR("tls"))->b);
    assert_int_equal(toml_get(listen, STR("ratio"))->type, TOML_FLOAT);
    assert_true(fabs(toml_get(listen, STR("ratio"))->f - 0.25) < 1e-9);
    assert_int_equal(toml_get(listen, STR("since"))->type, TOML_OTHER);
    const struct toml_value *login = toml_get(toml_get(r.table, STR("limits")), STR("login"));
    assert_int_equal(toml_get(login, STR("per_second"))->i, -3);
    check_str(toml_get(toml_get(login, STR("a")), STR("b"))->s, STR("nul \0 here"), "NUL");
    const struct toml_value *bridges = toml_get(r.table, STR("bridge"));
    assert_int_equal(bridges->count, 2);
    check_str(toml_get(&bridges->items[0], STR("id"))->s, STR("one"), "in an array of tables");
    check_str(toml_get(&bridges->items[1], STR("id"))->s, STR("two\n"), "several lines");
    arena_free(&a);
}

/* The library once took letters that are not ASCII for impossible where blanks may stand. */
static void test_letters_and_blanks(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct toml_result r =
        parsed(a, "\xef\xbb\xbf"
                  "a = \"\"\"x \\\n \n  \xc3\xa9\"\"\" # \xc3\xa9\nb = '\xef\xbb\xaf'\n\"\xe6\x97\xa5\" = 1");
    check_str(toml_get(r.table, STR("a"))->s, STR("x \xc3\xa9"), "joined lines");
    check_str(toml_get(r.table, STR("b"))->s, STR("\xef\xbb\xaf"), "a string");
    assert_int_equal(toml_get(r.table, STR("\xe6\x97\xa5"))->i, 1);
    arena_free(&a);
}

static void test_get_from_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct toml_result r = parsed(a, "n = 1");
    assert_null(toml_get(r.table, STR("absent")));
    assert_null(toml_get(NULL, STR("n")));
    assert_null(toml_get(toml_get(r.table, STR("n")), STR("n")));
    assert_string_equal(toml_type_name(TOML_TABLE), "table");
    assert_string_equal(toml_type_name(TOML_OTHER), "date or time");
    assert_int_equal(parsed(a, "").table->count, 0);
    assert_int_equal(toml_parse(a, (struct str){NULL, 0}).table->count, 0);
    arena_free(&a);
}

static void test_places(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct toml_result r = parsed(a, sample);
    const struct toml_value *listen = toml_get(r.table, STR("listen"));
    static const struct {
        const char *key;
        unsigned line, column;
    } cases[] = {{"ports", 5, 9}, {"tls", 6, 7}, {"ratio", 7, 11}, {"since", 8, 9}};
    assert_int_equal(listen->count, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct toml_value *v = toml_get(listen, str_of(cases[i].key));
        assert_int_equal(v->line, cases[i].line);
        assert_int_equal(v->column, cases[i].column);
    }
    for (size_t i = 1; i < listen->count; i++)
        assert_true(str_cmp(listen->members[i - 1].key, listen->members[i].key) < 0);
    struct toml_result split = parsed(a, "a = [\n1,\n2]\nb = 3\n");
    assert_int_equal(split.table->members[0].line, 1);
    assert_int_equal(split.table->members[0].value.items[1].line, 3);
    assert_int_equal(split.table->members[1].line, 4);
    arena_free(&a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str text;
        unsigned line;
    } cases[] = {
        {"no value", STR_INIT("a = 1\nb =\n"), 2},
        {"no key", STR_INIT("= 1"), 1},
        {"key twice", STR_INIT("a = 1\n\na = 2\n"), 3},
        {"table twice", STR_INIT("[a]\n[b]\n[a]\n"), 3},
        {"string open", STR_INIT("a = \"b"), 1},
        {"string over two lines", STR_INIT("a = 1\nb = \"x\ny\""), 2},
        {"two values on a line", STR_INIT("a = 1 b = 2"), 1},
        {"integer too large", STR_INIT("a = 9223372036854775808"), 1},
        {"invalid UTF-8", STR_INIT("a = 1\nb = \"\xff\""), 2},
        {"NUL", STR_INIT("a = 1\n\0"), 2},
        {"three brackets", STR_INIT("a = 1\n\n[[[a]]]\nb = 2\n"), 3},
        {"header that starts with '='", STR_INIT("[=]"), 1},
        {"header that starts with '#', last line", STR_INIT("a = 1\n[#]"), 2},
        {"three brackets at once, then more", STR_INIT("[[[\n[=\n[#\n"), 1},
        {"letter outside strings", STR_INIT("a = 1\nb\xc3\xa9 = 2"), 2},
        {"letter outside strings at the start", STR_INIT("\xc3\xa9 = 2"), 1},
        {"letter after a value", STR_INIT("a = 1\xef\xbb\xaf"), 1},
        {"letter after a key", STR_INIT("a\xef\xbb\xaf"), 1},
        {"JSON", STR_INIT("{\"a\": 1}"), 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct toml_result r = toml_parse(a, str_copy(a, cases[i].text));
        check_case(r.table == NULL && r.error.n > 0, cases[i].name);
        if (r.line != cases[i].line)
            print_error("%s: line %u\n", cases[i].name, r.line);
        assert_int_equal(r.line, cases[i].line);
        arena_free(&a);
    }
}

/* `prefix`, then `part` so many times, then `suffix`. */
static struct toml_result parse_repeated(struct arena *a, const char *prefix, const char *part, size_t count,
                                         const char *suffix)
{
    struct buf b;
    buf_init(&b, (size_t)8 << 20);
    buf_add(&b, str_of(prefix));
    for (size_t i = 0; i < count; i++)
        buf_add(&b, str_of(part));
    buf_add(&b, str_of(suffix));
    assert_true(buf_ok(&b));
    struct toml_result r = toml_parse(a, str_copy(a, buf_str(&b)));
    buf_fini(&b);
    return r;
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *prefix;
        const char *part;
        size_t count;
        const char *suffix;
        bool ok;
        unsigned line;
    } cases[] = {
        {"16 parts", "\n", "a.", 15, "a = 1", true, 0},
        {"17 parts", "\n", "a.", 16, "a = 1", false, 2},
        {"endless key", "", "a.", 500000, "a = 1", false, 1},
        {"endless key in a header", "[", "a.", 500000, "a]", false, 1},
        {"endless key in quotes", "\n\n", "\"a.\" . ", 100000, "a = 1", false, 3},
        {"endless key in an inline table", "x = {y = 1, ", "a.", 500000, "a = 1}", false, 1},
        {"endless key after strings", "a = \"\"\"\n\\\"\"\"\"\"\nb = '\\'\n", "a.", 500000, "a = 1", false, 4},
        {"dots in a string", "a = \"", ".", 1000, "\"", true, 0},
        {"dots in a string of several lines", "a = '''\n", ".\n", 1000, "'''", true, 0},
        {"dots in a comment", "#", ".", 1000, "\n", true, 0},
        {"dots of many numbers", "a = [", "1.5,", 1000, "]", true, 0},
        {"dots of many lines", "", "# x\n", 1000, "a.b.c = 1\na.b.d = 1\na.b.e = 1\n[x.y]\nz.z = 1.5", true, 0},
        {"nested arrays, too many", "a = ", "[", 500000, "", false, 1},
        {"nested tables, too many", "a = ", "{b.c.d.e.f = ", 70000, "", false, 1},
        {"as large as may be", "", "#", 1 << 20, "", true, 0},
        {"too large", "", "#", (1 << 20) + 1, "", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct toml_result r = parse_repeated(a, cases[i].prefix, cases[i].part, cases[i].count, cases[i].suffix);
        if ((r.table != NULL) != cases[i].ok || (!cases[i].ok && r.line != cases[i].line))
            print_error("%s: line %u: %.*s\n", cases[i].name, r.line, STR_ARG(r.error));
        check_case((r.table != NULL) == cases[i].ok, cases[i].name);
        assert_int_equal(r.line, cases[i].line);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),           cmocka_unit_test(test_letters_and_blanks),
        cmocka_unit_test(test_get_from_nothing), cmocka_unit_test(test_places),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
