#include "base/clock.h"
#include "main/server.h"
#include "main/welcome.h"
#include "service/registration_token.h"

#include <string.h>

#include "check.h"

/* A server in a folder of its own. */
struct place {
    char folder[40];
    struct arena *a;
    struct server server;
};

static void begin(struct place *p)
{
    struct store_error error = {.text = ""};
    struct config_report report;
    char text[200];

    snprintf(p->folder, sizeof(p->folder), "/tmp/hearth-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->a = arena_new();
    snprintf(text, sizeof(text), "[global]\nserver_name = \"example.org\"\ndatabase_path = \"%s\"\n", p->folder);
    config_report_init(&report);
    struct config *config = config_parse(STR("x"), str_of(text), NULL, &report);
    config_report_fini(&report);
    assert_non_null(config);
    assert_true(server_open(&p->server, config, true, &error));
}

static void end(struct place *p)
{
    static const char *const names[] = {"hearth.db", "hearth.db-wal", "hearth.db-shm", "hearth.db.lock", "signing.key"};

    server_close(&p->server);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(str_fmt(p->a, "%s/%s", p->folder, names[i]).p);
    assert_int_equal(rmdir(p->folder), 0);
    arena_free(&p->a);
}

static size_t count_tokens(struct place *p)
{
    struct registration_token_row *rows;
    size_t count;

    assert_int_equal(registration_token_list(&p->server.services, p->a, &rows, &count).code, 0);
    return count;
}

static void test_used_again(void **state)
{
    struct place p;

    (void)state;
    begin(&p);
    struct str first = welcome_token(&p.server.services, p.a);
    check_case(str_starts(first, STR(WELCOME_TOKEN_PREFIX)) && first.n >= sizeof(WELCOME_TOKEN_PREFIX) + 15, "a token");
    for (int i = 0; i < 3; i++)
        check_str(welcome_token(&p.server.services, p.a), first, "the same again");
    assert_int_equal(count_tokens(&p), 1);
    end(&p);
}

/* Which tokens that are there are offered, and how many remain. */
static void test_which(void **state)
{
    static const struct {
        const char *name, *token;
        int64_t uses, ends_in_ms; /* 0: never */
        bool offered;
        size_t left;
    } cases[] = {
        {"of another hand", "mine", -1, 0, false, 2},
        {"counted", "welcome-counted", 1, 7200000, false, 2},
        {"good for long", "welcome-long", -1, 7200000, true, 1},
        {"good for moments", "welcome-short", -1, 60000, false, 2},
        {"ended", "welcome-ended", -1, -1000, false, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct place p;
        struct str token, want = str_of(cases[i].token);
        begin(&p);
        int64_t ends = cases[i].ends_in_ms == 0 ? 0 : clock_now_ms() + cases[i].ends_in_ms;
        struct fault fault = registration_token_create(&p.server.services, p.a, want, cases[i].uses, ends, &token);
        check_case(fault.code == 0, cases[i].name);
        check_case(str_eq(welcome_token(&p.server.services, p.a), want) == cases[i].offered, cases[i].name);
        check_case(count_tokens(&p) == cases[i].left, cases[i].name);
        end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used_again),
        cmocka_unit_test(test_which),
    };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
