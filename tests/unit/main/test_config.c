#include "http/peer.h"
#include "main/config.h"
#include "main/config_guard.h"
#include "main/config_ignored.h"
#include "main/config_option.h"
#include "main/config_value.h"

#include <string.h>
#include <sys/stat.h>

#include "check.h"

#define PATH_94 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
#define GLOBAL  "[global]\nserver_name = \"example.org\"\n"

/* --- one text (and variables), one configuration or one complaint --- */

static struct config *parse(const char *text, char *const *environment, struct config_report *report)
{
    config_report_init(report);
    return config_parse(STR("h.toml"), str_of(text), environment, report);
}

static void test_conduwuit_file(void **state)
{
    struct config_report report;
    static const char text[] = "[global]\n"
                               "server_name = \"lark.gay\"\n"
                               "address = [\"127.0.0.1\", \"::1\"]\n"
                               "port = [8008, 8448]\n"
                               "database_path = \"/var/lib/conduwuit\"\n"
                               "allow_registration = true\n"
                               "registration_token = \"o&^uCtes4HPf0Vu@F20jQeeWE7\"\n"
                               "max_request_size = 20_000_000 # in bytes, ~20 MB\n"
                               "allow_federation = true\n"
                               "trusted_servers = [\"matrix.org\", \"envs.net\"]\n"
                               "log = \"warn,state_res=warn\"\n"
                               "rocksdb_compression_algo = \"zstd\"\n"
                               "[global.well_known]\n"
                               "client = \"https://matrix.lark.gay\"\n"
                               "server = \"matrix.lark.gay:8448\"\n"
                               "[global.blurhashing]\n"
                               "components_x = 4\n";
    struct config *c = parse(text, NULL, &report);

    (void)state;
    assert_non_null(c);
    check_str(c->server_name, STR("lark.gay"), "server_name");
    assert_int_equal(c->address.count, 2);
    check_str(c->address.items[1], STR("::1"), "address");
    assert_int_equal(c->port.count, 2);
    assert_int_equal(c->port.items[1], 8448);
    check_str(c->database_path, STR("/var/lib/conduwuit"), "database_path");
    assert_true(c->allow_registration);
    assert_false(c->open_registration);
    check_str(c->registration_token, STR("o&^uCtes4HPf0Vu@F20jQeeWE7"), "token");
    assert_int_equal(c->max_request_size, 20000000);
    assert_int_equal(c->trusted_servers.count, 2);
    assert_int_equal(c->log_level, LOG_LEVEL_WARN);
    check_str(c->well_known_client, STR("https://matrix.lark.gay"), "client");
    check_str(c->well_known_server, STR("matrix.lark.gay:8448"), "server");
    assert_int_equal(report.warning_count, 2);
    check_str(report.warnings[0], STR("h.toml:11: of log only a level for everything has an effect"), "log");
    check_str(report.warnings[1],
              STR("h.toml: these options have no effect in Hearth: blurhashing.components_x, rocksdb_compression_algo"),
              "ignored");
    config_free(&c);
    config_report_fini(&report);
}

static void test_defaults(void **state)
{
    struct config_report report;
    struct config *c = parse(GLOBAL, NULL, &report);

    (void)state;
    assert_non_null(c);
    assert_int_equal(report.warning_count, 0);
    check_str(c->address.items[0], STR("127.0.0.1"), "address");
    assert_int_equal(c->port.items[0], 8008);
    assert_int_equal(c->max_request_size, 20 << 20);
    assert_false(c->allow_registration);
    assert_true(c->allow_room_creation);
    assert_int_equal(c->access_token_ttl_ms, INT64_C(604800000));
    assert_int_equal(c->client_sync_timeout_max_ms, 90000);
    assert_int_equal(c->log_level, LOG_LEVEL_INFO);
    assert_int_equal(c->log_format, LOG_FORMAT_TEXT);
    assert_null(c->registration_token.p);
    config_free(&c);
    config_report_fini(&report);
}

static const struct {
    const char *name;
    const char *text;
    const char *variable; /* one variable of the environment, or NULL */
    const char *error;    /* the first one; NULL: a good configuration */
} complaints[] = {
    {"no TOML", "[global\n", NULL, "h.toml:1: "},
    {"empty", "", NULL, "server_name is missing: "},
    {"unknown key", GLOBAL "prot = 1\n", NULL, "h.toml:3: unknown option \"prot\" (the nearest known one is \"port\")"},
    {"unknown far away", GLOBAL "\n\nzzz = 1\n", NULL, "h.toml:5: unknown option \"zzz\" (the nearest"},
    {"unknown of others", GLOBAL "rocksdb_chekcsums = true\n", NULL,
     "h.toml:3: unknown option \"rocksdb_chekcsums\" (the nearest known one is \"rocksdb_checksums\")"},
    {"unknown in table", GLOBAL "[global.well_known]\nclinet = \"x\"\n", NULL,
     "h.toml:4: unknown option \"well_known.clinet\" (the nearest known one is \"well_known.client\")"},
    {"unknown empty table", GLOBAL "[global.welknown]\n", NULL, "h.toml:3: unknown option \"welknown\""},
    {"known empty table", GLOBAL "[global.well_known]\n", NULL, NULL},
    {"ignored empty table", GLOBAL "[global.tls]\n", NULL, NULL},
    {"under the wrong header", GLOBAL "[global.well_known]\nport = 8009\n", NULL,
     "h.toml:4: \"port\" stands under [global.well_known]; it belongs under [global], before all other headers"},
    {"secret file under the wrong header", GLOBAL "[global.well_known]\nregistration_token_file = \"/x\"\n", NULL,
     "h.toml:4: \"registration_token_file\" stands under [global.well_known]; it belongs under [global]"},
    {"one of others under the wrong header", GLOBAL "[global.tls]\nrocksdb_checksums = true\n", NULL,
     "h.toml:4: \"rocksdb_checksums\" stands under [global.tls]; it belongs under [global]"},
    {"of a table, before its header", GLOBAL "support_page = \"https://example.org\"\n", NULL,
     "h.toml:3: \"support_page\" stands under [global]; it belongs under [global.well_known]"},
    {"outside", "server_name = \"example.org\"\n", NULL, "h.toml:1: \"server_name\" stands outside [global]"},
    {"one of others outside", "rocksdb_checksums = true\n", NULL,
     "h.toml:1: \"rocksdb_checksums\" stands outside [global]"},
    {"a table outside", GLOBAL "[database]\nurl = \"postgresql://a:b@localhost/c\"\n", NULL,
     "h.toml:3: table \"database\" stands outside [global]: write [global.database]"},
    {"a table of others outside", GLOBAL "[tls]\ncerts = \"x\"\n", NULL,
     "h.toml:3: table \"tls\" stands outside [global]: write [global.tls]"},
    {"empty list of tables", GLOBAL "appservice.irc.users = []\nappservice.irc.protocols = []\n", NULL, NULL},
    {"empty list of no tables", GLOBAL "apservice.irc.users = []\n", NULL, "h.toml:3: unknown option \"apserv"},
    {"other table", GLOBAL "[globl]\nport = 1\n", NULL,
     "h.toml:3: unknown table \"globl\" outside of [global] (the nearest known one is \"global\")"},
    {"global no table", "global = 1\n", NULL, "h.toml:1: \"global\" must be a table"},
    {"bad server name", "[global]\nserver_name = \"exa mple\"\n", NULL,
     "h.toml:2: server_name \"exa mple\" is no server name"},
    {"number as name", "[global]\nserver_name = true\n", NULL, "h.toml:2: server_name must be a text"},
    {"wrong type", GLOBAL "allow_registration = \"yes\"\n", NULL, "h.toml:3: allow_registration must be true or false"},
    {"fraction", GLOBAL "port = 80.5\n", NULL, "h.toml:3: port must be a number or a list of numbers"},
    {"date", GLOBAL "port = 1979-05-27\n", NULL, "h.toml:3: port must be a number or a list of numbers"},
    {"table for number", GLOBAL "port = {}\n", NULL, "h.toml:3: port must be a number or a list"},
    {"members for number", GLOBAL "port = {a = 1}\n", NULL, "h.toml:3: unknown option \"port.a\""},
    {"too large", GLOBAL "port = 65536\n", NULL, "h.toml:3: port is too large: at most 65535"},
    {"too small in list", GLOBAL "port = [8008, -1]\n", NULL, "h.toml:3: port is too small: at least 0"},
    {"no port", GLOBAL "port = []\n", NULL, "h.toml:3: port must have 1 to 64 values"},
    {"no address", GLOBAL "address = []\n", NULL, "h.toml:3: address must have 1 to 16 values"},
    {"no trusted servers", GLOBAL "trusted_servers = []\n", NULL, NULL},
    {"host as address", GLOBAL "address = \"localhost\"\n", NULL,
     "h.toml:3: address \"localhost\" is no IPv4 or IPv6 address"},
    {"size text", GLOBAL "max_request_size = \"20 MiB\"\n", NULL, NULL},
    {"size wrong", GLOBAL "max_request_size = \"20 lumps\"\n", NULL, "h.toml:3: max_request_size must be a size"},
    {"size overflow", GLOBAL "max_request_size = \"99999999999999 GiB\"\n", NULL,
     "h.toml:3: max_request_size must be a size"},
    {"size small", GLOBAL "max_request_size = 1\n", NULL,
     "h.toml:3: max_request_size is too small: at least 65536 bytes"},
    {"time text", GLOBAL "access_token_ttl = \"7d\"\n", NULL, NULL},
    {"time small", GLOBAL "access_token_ttl = \"500ms\"\n", NULL,
     "h.toml:3: access_token_ttl is too small: at least 60 s"},
    {"room version as number", GLOBAL "default_room_version = 11\n", NULL, NULL},
    {"room version unknown", GLOBAL "default_room_version = \"99\"\n", NULL,
     "h.toml:3: default_room_version \"99\" is no room version"},
    {"url", GLOBAL "[global.well_known]\nclient = \"matrix.example.org\"\n", NULL,
     "h.toml:4: well_known.client \"matrix.example.org\" is no URL"},
    {"log level", GLOBAL "log = \"loud\"\n", NULL, "h.toml:3: log \"loud\" is no level"},
    {"log format", GLOBAL "log_format = \"xml\"\n", NULL, "h.toml:3: log_format \"xml\" is neither"},
    {"proxy network", GLOBAL "trusted_proxies = [\"10.0.0.0/8\", \"fd00::/8\", \"unix\"]\n", NULL, NULL},
    {"proxy network wrong", GLOBAL "trusted_proxies = \"10.0.0.0/33\"\n", NULL,
     "h.toml:3: trusted_proxies \"10.0.0.0/33\""},
    {"secret not repeated", GLOBAL "registration_token = \"\"\n", NULL,
     "h.toml:3: registration_token must have 1 to 255 bytes"},
    {"secret twice", GLOBAL "registration_token = \"a\"\nregistration_token_file = \"/b\"\n", NULL,
     "h.toml:4: registration_token and registration_token_file are both given (h.toml:3)"},
    {"secret file missing", GLOBAL "registration_token_file = \"/does/not/exist\"\n", NULL,
     "h.toml:3: cannot read /does/not/exist: "},
    {"file of what is no secret", GLOBAL "port_file = \"/x\"\n", NULL, "h.toml:3: unknown option \"port_file\""},
    {"variable unknown", GLOBAL, "HEARTH_PROT=1",
     "HEARTH_PROT: unknown variable (the nearest known one is HEARTH_PORT)"},
    {"variable unknown in table", GLOBAL, "HEARTH_WELL_KNOWN__CLINET=1",
     "HEARTH_WELL_KNOWN__CLINET: unknown variable (the nearest known one is HEARTH_WELL_KNOWN__CLIENT)"},
    {"size too large", GLOBAL "max_request_size = \"257 MiB\"\n", NULL,
     "h.toml:3: max_request_size is too large: at most 268435456 bytes"},
    {"path as long as its socket allows", GLOBAL "database_path = \"/" PATH_94 "\"\n", NULL, NULL},
    {"path too long for its socket", GLOBAL "database_path = \"/" PATH_94 "x\"\n", NULL,
     "h.toml:3: database_path \"/0123456789"},
    {"database", GLOBAL "database = \"postgresql://a:b@localhost/c\"\n", NULL, NULL},
    {"database in a table", GLOBAL "[global.database]\nurl = \"postgres:///c?host=/tmp\"\npool_size = 4\n", NULL, NULL},
    {"database is no URL", GLOBAL "database = \"hunter2@localhost\"\n", NULL,
     "h.toml:3: database is no URL of a PostgreSQL database, as in postgresql://user:password@host:5432/database"},
    {"database with a wrong word", GLOBAL "database = \"postgresql://a:hunter2@h/c?hunter2=1\"\n", NULL,
     "h.toml:3: database is no URL of a PostgreSQL database, as in postgresql://user:password@host:5432/database"},
    {"database as variable", GLOBAL "[global.database]\nurl = \"postgresql://h/c\"\n", "HEARTH_DATABASE=mysql://h/d",
     "HEARTH_DATABASE: database"},
    {"database in a file of its own", GLOBAL "database_file = \"/does/not/exist\"\n", NULL,
     "h.toml:3: cannot read /does/not/exist: "},
    {"database table that says nothing", GLOBAL "[global.database]\n", NULL, NULL},
    {"variable wrong", GLOBAL, "HEARTH_PORT=http", "HEARTH_PORT: port must be a number"},
    {"variable bool", GLOBAL, "HEARTH_ALLOW_REGISTRATION=1", "HEARTH_ALLOW_REGISTRATION: allow_registration must be"},
    {"variable of others", GLOBAL, "HEARTHSTONE=1", NULL},
    {"variable config", GLOBAL, "HEARTH_CONFIG=/etc/h.toml", NULL},
    {"variable saves the file", "[global]\nserver_name = \"bad name\"\n", "HEARTH_SERVER_NAME=example.org", NULL},
    {"variable beats file of secret", GLOBAL "registration_token_file = \"/does/not/exist\"\n",
     "HEARTH_REGISTRATION_TOKEN=abc", NULL},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(complaints); i++) {
        char variable[200];
        char *environment[] = {variable, NULL};
        struct config_report report;
        snprintf(variable, sizeof(variable), "%s", complaints[i].variable ? complaints[i].variable : "OTHER=1");
        struct config *c = parse(complaints[i].text, environment, &report);

        check_case((c == NULL) == (complaints[i].error != NULL), complaints[i].name);
        if (complaints[i].error) {
            struct str want = str_of(complaints[i].error);
            check_str(str_slice(report.errors[0], 0, want.n), want, complaints[i].name);
        } else {
            check_case(report.error_count == 0, complaints[i].name);
        }
        config_free(&c);
        config_report_fini(&report);
    }
}

/* What check-config calls good is what the server starts with. */
static void test_proxies_are_those_of_http(void **state)
{
    static const struct {
        const char *entry;
        bool good;
    } cases[] = {{"10.0.0.0/8", true},
                 {"10.0.0.1", true},
                 {"0.0.0.0/0", true},
                 {"10.0.0.0/33", false},
                 {"10.0.0.0/-0", false},
                 {"10.0.0.0/+8", false},
                 {"10.0.0.0/", false},
                 {"10.0.0.0/8/8", false},
                 {"10.0.0/8", false},
                 {"fd00::/8", true},
                 {"::1", true},
                 {"::/0", true},
                 {"fd00::/129", false},
                 {"::ffff:10.0.0.1", true},
                 {"::ffff:10.0.0.0/104", true},
                 {"::ffff:10.0.0.0/129", false},
                 {"10.0.0.0/104", false},
                 {"unix", true},
                 {"unix/8", false},
                 {"Unix", false},
                 {"localhost", false},
                 {" ::1", false},
                 {"", false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config_report report;
        struct peer_trust trust;
        char text[200];
        size_t bad;

        snprintf(text, sizeof(text), GLOBAL "trusted_proxies = [\"%s\"]\n", cases[i].entry);
        struct config *c = parse(text, NULL, &report);
        check_case((c != NULL) == cases[i].good, cases[i].entry);
        config_free(&c);
        config_report_fini(&report);
        bool taken = peer_trust_init(&trust, &cases[i].entry, 1, &bad);
        check_case(taken == cases[i].good, cases[i].entry);
        if (taken)
            peer_trust_fini(&trust);
    }
}

/* A pod beside a service called "hearth" has these; they are no options. */
static void test_variables_of_services(void **state)
{
    char *environment[] = {(char[]){"HEARTH_SERVICE_HOST=10.0.0.1"},
                           (char[]){"HEARTH_SERVICE_PORT=8008"},
                           (char[]){"HEARTH_SERVICE_PORT_HTTP=8008"},
                           (char[]){"HEARTH_PORT=tcp://10.0.0.1:8008"},
                           (char[]){"HEARTH_PORT_8008_TCP=tcp://10.0.0.1:8008"},
                           (char[]){"HEARTH_PORT_8008_TCP_PROTO=tcp"},
                           (char[]){"HEARTH_PORT_8448_UDP_ADDR=10.0.0.1"},
                           (char[]){"HEARTH_WEB_SERVICE_HOST=10.0.0.1"},
                           (char[]){"HEARTH_WEB_PORT=tcp://10.0.0.1:80"},
                           NULL};
    char *others[] = {(char[]){"HEARTH_PORT_X_TCP=1"}, (char[]){"HEARTH_PORT_80_HTTP=1"}, (char[]){"HEARTH_SERVICE=1"},
                      (char[]){"HEARTH_WEB_PORT=80"}, NULL};
    struct config_report report;
    struct config *c = parse(GLOBAL, environment, &report);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->port.items[0], 8008);
    assert_int_equal(report.warning_count, 1);
    for (size_t i = 0; environment[i]; i++) {
        struct str rest, name = str_cut(str_of(environment[i]), '=', &rest);
        check_case(str_find_str(report.warnings[0], name) < report.warnings[0].n, environment[i]);
    }
    config_free(&c);
    config_report_fini(&report);
    assert_null(parse(GLOBAL, others, &report));
    assert_int_equal(report.error_count, 4);
    config_report_fini(&report);
}

/* What is missing from a text that cannot be read is not known. */
static void test_no_toml_is_the_only_complaint(void **state)
{
    static const char *const texts[] = {"[global\n", "nonsense", "[global]\nport = = 1\n", "a = 1\na = 2\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config_report report;
        assert_null(parse(texts[i], NULL, &report));
        check_case(report.error_count == 1 && report.warning_count == 0, texts[i]);
        config_report_fini(&report);
    }
}

static void test_all_complaints_together(void **state)
{
    struct config_report report;
    char text[4000] = "[global]\n";

    (void)state;
    for (int i = 0; i < 30; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "nonsense_%d = 1\n", i);
    assert_null(parse(text, NULL, &report));
    assert_int_equal(report.error_count, 31); /* and no server_name */
    assert_int_equal(config_report_kept(report.error_count), CONFIG_MESSAGES_MAX);
    check_str(str_slice(report.errors[19], 0, 7), STR("h.toml:"), "the last that is kept");
    config_report_fini(&report);
}

static void test_environment(void **state)
{
    char *environment[] = {(char[]){"HEARTH_ADDRESS=10.0.0.1, ::1"}, (char[]){"HEARTH_PORT=80,81"},
                           (char[]){"HEARTH_WELL_KNOWN__CLIENT=https://m.example.org"},
                           (char[]){"HEARTH_ALLOW_REGISTRATION=true"}, NULL};
    struct config_report report;
    struct config *c = parse(GLOBAL "port = 1\nallow_registration = false\n", environment, &report);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->address.count, 2);
    check_str(c->address.items[1], STR("::1"), "address");
    assert_int_equal(c->port.count, 2);
    assert_int_equal(c->port.items[0], 80);
    check_str(c->well_known_client, STR("https://m.example.org"), "client");
    assert_true(c->allow_registration);
    config_free(&c);
    config_report_fini(&report);
}

/* --- who may register --- */

static void test_registration(void **state)
{
#define SURE "yes_i_am_very_very_sure_i_want_an_open_registration_server_prone_to_abuse = true\n"
    static const struct {
        const char *name, *text;
        bool allow, open;
        size_t warnings;
    } cases[] = {
        {"closed", "", false, false, 0},
        {"by token", "allow_registration = true\n", true, false, 0},
        {"by fixed token", "allow_registration = true\nregistration_token = \"a\"\n", true, false, 0},
        {"open", "allow_registration = true\n" SURE, true, true, 1},
        {"token beats open", "allow_registration = true\nregistration_token = \"a\"\n" SURE, true, false, 1},
        {"token without effect", "registration_token = \"a\"\n", false, false, 1},
        {"sure of nothing", SURE, false, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[500];
        struct config_report report;
        snprintf(text, sizeof(text), GLOBAL "%s", cases[i].text);
        struct config *c = parse(text, NULL, &report);
        check_case(c != NULL, cases[i].name);
        check_case(c->allow_registration == cases[i].allow, cases[i].name);
        check_case(c->open_registration == cases[i].open, cases[i].name);
        check_case(report.warning_count == cases[i].warnings, cases[i].name);
        config_free(&c);
        config_report_fini(&report);
    }
}

/* --- files --- */

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_files(void **state)
{
    char folder[] = "/tmp/hearth-test-XXXXXX", config_path[64], secret_path[64], text[300];
    struct config_report report;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(config_path, sizeof(config_path), "%s/h.toml", folder);
    snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
    snprintf(text, sizeof(text), GLOBAL "allow_registration = true\nregistration_token_file = \"%s\"\n", secret_path);
    write_file(config_path, text, 0644);

    write_file(secret_path, " abc\n", 0600);
    config_report_init(&report);
    struct config *c = config_load(config_path, NULL, &report);
    assert_non_null(c);
    check_str(c->registration_token, STR("abc"), "secret from a file");
    assert_int_equal(report.warning_count, 0);
    config_free(&c);
    config_report_fini(&report);

    assert_int_equal(chmod(secret_path, 0644), 0);
    config_report_init(&report);
    c = config_load(config_path, NULL, &report);
    assert_non_null(c);
    assert_int_equal(report.warning_count, 1);
    config_free(&c);
    config_report_fini(&report);

    write_file(config_path, GLOBAL "allow_registration = true\nregistration_token = \"abc\"\n", 0644);
    config_report_init(&report);
    c = config_load(config_path, NULL, &report);
    assert_non_null(c);
    assert_int_equal(report.warning_count, 1);
    config_free(&c);
    config_report_fini(&report);

    assert_int_equal(unlink(config_path), 0);
    config_report_init(&report);
    c = config_load(config_path, NULL, &report);
    assert_null(c);
    assert_int_equal(report.error_count, 1);
    config_report_fini(&report);
    assert_int_equal(unlink(secret_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* --- values --- */

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: malformed */
    } cases[] = {
        {"0", 0},
        {"20971520", 20971520},
        {"20M", 20 << 20},
        {"20 MiB", 20 << 20},
        {" 1 K ", 1024},
        {"1kB", 1000},
        {"2GB", INT64_C(2000000000)},
        {"1GiB", 1 << 30},
        {"5B", 5},
        {"", -1},
        {"M", -1},
        {"-1", -1},
        {"1.5M", -1},
        {"1 m", -1},
        {"9223372036854775807 K", -1},
        {"99999999999999999999", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = -1;
        bool good = config_value_size(str_of(cases[i].text), &got);
        check_case(good == (cases[i].want >= 0), cases[i].text);
        check_case(!good || got == cases[i].want, cases[i].text);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* in milliseconds, plain numbers being seconds; -1: malformed */
    } cases[] = {
        {"30", 30000}, {"500ms", 500}, {"30 s", 30000}, {"5m", 300000}, {"2h", 7200000}, {"7d", 604800000},
        {"", -1},      {"s", -1},      {"1w", -1},      {"-5s", -1},    {"1 h 5 m", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = -1;
        bool good = config_value_duration(str_of(cases[i].text), 1000, &got);
        check_case(good == (cases[i].want >= 0), cases[i].text);
        check_case(!good || got == cases[i].want, cases[i].text);
    }
}

/* --- the table --- */

static void test_table(void **state)
{
    bool table_seen = false;

    (void)state;
    for (size_t i = 0; config_option_at(i); i++) {
        const struct config_option *option = config_option_at(i);
        bool number = option->type == CONFIG_INT || option->type == CONFIG_SIZE || option->type == CONFIG_DURATION;
        check_case(config_option_find(str_of(option->name)) == option, option->name);
        check_case(!config_ignored_has(str_of(option->name)), option->name);
        check_case(option->help && option->help[strlen(option->help) - 1] == '.', option->name);
        check_case(!number || option->max > option->min, option->name);
        check_case(option->type != CONFIG_DURATION || option->unit, option->name);
        /* [global.x] ends [global]: what stands in tables comes last, or the example file would be wrong. */
        bool in_table = strchr(option->name, '.') != NULL;
        check_case(in_table || !table_seen, option->name);
        table_seen = table_seen || in_table;
    }
}

static void test_ignored(void **state)
{
    static const struct {
        const char *name;
        bool has, table;
    } cases[] = {
        {"tls.certs", true, false},
        {"tls", false, true},
        {"identity_provider.brand", true, true} /* "brand" may be the name of one, too */,
        {"identity_provider.github.brand", true, false},
        {"storage_provider.media.local.base_path", true, false},
        {"storage_provider.media.local", false, true},
        {"well_known.rtc_transports", true, true},
        {"well_known.rtc_transports.type", true, true},
        {"tls.cert", false, false},
        {"tls.certs.x", false, false},
        {"appservice..url", false, false},
        {"", false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(config_ignored_has(str_of(cases[i].name)) == cases[i].has, cases[i].name);
        if (cases[i].name[0])
            check_case(config_ignored_has_table(str_of(cases[i].name)) == cases[i].table, cases[i].name);
    }
}

/* What released versions of conduwuit and Tuwunel had for a while, some by another name: their files still work. */
static void test_ignored_of_older_versions(void **state)
{
    static const char *const names[] = {
        "admin_api_token",
        "allow_outbound_profile_lookup_federation_requests",
        "allow_presence",
        "allowed_remote_server_names",
        "appservice.irc.id",
        "cleanup_second_interval",
        "database_backend",
        "db_pool_queue_size",
        "enable_lightning_bolt",
        "encryption_disabled",
        "federation_disabled",
        "forbidden_room_names",
        "identity_provider.native_client_ids",
        "identity_provider.github.native_client_ids",
        "jwt_secret",
        "ldap.mail_attribute",
        "ldap.start_tls",
        "max_delayed_events_per_user",
        "media_statup_check",
        "rc_media_create_burst_count",
        "registration_disabled",
        "revoked_remote_server_keys",
        "rocksdb_drop_missing_columns",
        "rocksdb_log_path",
        "rocksdb_max_open_files",
        "rocksdb_periodic_cleanup",
        "s3_provider.bucket",
        "server_visibility_cache_capacity",
        "sso_default_provider_id",
        "storage_provider.media.S3.bucket",
        "url_preview_allowlist",
        "user_visibility_cache_capacity",
        "well_known.support_policy.privacy.policy_translation.language",
        "workers",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_case(config_ignored_has(str_of(names[i])), names[i]);
}

/* --- options of others that restrict or protect --- */

static void test_guards(void **state)
{
    static const struct {
        const char *text, *warning; /* the first one; NULL: none at all */
    } cases[] = {
        {"forbidden_usernames = [\"admin\"]",
         "h.toml:3: forbidden_usernames PROTECTS NOTHING in Hearth, which does not have it: "
         "every user name that is free can be registered"},
        {"forbidden_usernames = []", NULL},
        {"encryption_disabled = true", "h.toml:3: encryption_disabled PROTECTS NOTHING in Hearth"},
        {"federation_disabled = false", NULL},
        {"registration_disabled = true", "h.toml:3: registration_disabled PROTECTS NOTHING in Hearth"},
        {"revoked_remote_server_keys = [\"ed25519:a\"]", "h.toml:3: revoked_remote_server_keys PROTECTS"},
        {"database_backend = \"rocksdb\"", "h.toml: these options have no effect in Hearth: database_backend"},
        {"login_with_password = false", "h.toml:3: login_with_password PROTECTS NOTHING in Hearth"},
        {"login_with_password = true", NULL},
        {"block_non_admin_invites = true", "h.toml:3: block_non_admin_invites PROTECTS"},
        {"block_non_admin_invites = false", NULL},
        {"suspend_on_register = true", "h.toml:3: suspend_on_register PROTECTS"},
        {"tls.certs = \"/a\"", "h.toml:3: tls.certs PROTECTS"},
        {"tls.dual_protocol = false", NULL},
        {"forbidden_remote_server_names = \"x\"", "h.toml:3: forbidden_remote_server_names PROTECTS"},
        {"unix_socket_path = \"/run/x\"", "h.toml:3: unix_socket_path PROTECTS"},
        {"smtp.require_email_for_registration = true", "h.toml:3: smtp.require_email_for_registration PROTECTS"},
        {"registration_terms.tos.version = \"1\"", "h.toml:3: registration_terms.tos.version PROTECTS"},
        {"appservice.irc.users = [{regex = \"a\", exclusive = true}]",
         "h.toml:3: appservice.irc.users.exclusive PROTECTS"},
        {"encryption_enabled_by_default_for_room_type = \"all\"",
         "h.toml:3: encryption_enabled_by_default_for_room_type PROTECTS"},
        {"encryption_enabled_by_default_for_room_type = \"none\"", NULL},
        {"proxy = \"none\"", NULL},
        {"[global.proxy]\nglobal = { url = \"socks5h://localhost:9050\" }", "h.toml:4: proxy.global.url PROTECTS"},
        {"[[global.proxy.by_domain]]\nurl = \"socks5h://localhost:9050\"\ninclude = [\"*.onion\"]",
         "h.toml:4: proxy.by_domain.url PROTECTS"},
        {"allow_guest_registration = false", NULL},
        {"allow_guest_registration = true", "h.toml: these options have no effect in Hearth: allow_guest_registration"},
        {"sentry = false", NULL},
        {"log_colours = false", "h.toml: these options have no effect in Hearth: log_colours"},
        {"well_known_client = \"https://example.org\"",
         "h.toml: these options have no effect in Hearth: well_known_client"},
        {"sentry_endpoint = \"\"", NULL},
        {"rocksdb_log_stderr = false", "h.toml: these options have no effect in Hearth: rocksdb_log_stderr"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[300];
        struct config_report report;
        snprintf(text, sizeof(text), GLOBAL "%s\n", cases[i].text);
        struct config *c = parse(text, NULL, &report);
        check_case(c != NULL, cases[i].text);
        check_case((report.warning_count > 0) == (cases[i].warning != NULL), cases[i].text);
        if (cases[i].warning && report.warning_count > 0)
            check_str(str_slice(report.warnings[0], 0, str_of(cases[i].warning).n), str_of(cases[i].warning),
                      cases[i].text);
        config_free(&c);
        config_report_fini(&report);
    }
}

/* They come before all other warnings, and are not named again. */
static void test_guards_come_first(void **state)
{
    struct config_report report;
    struct config *c = parse(GLOBAL "log = \"a=b\"\nrocksdb_repair = true\nforbidden_alias_names = [\"x\"]\n"
                                    "maintenance = true\n",
                             NULL, &report);

    (void)state;
    assert_non_null(c);
    assert_int_equal(report.warning_count, 4);
    check_str(str_slice(report.warnings[0], 0, 30), STR("h.toml:5: forbidden_alias_name"), "first");
    check_str(str_slice(report.warnings[1], 0, 30), STR("h.toml:6: maintenance PROTECTS"), "second");
    check_str(report.warnings[3], STR("h.toml: these options have no effect in Hearth: rocksdb_repair"), "the rest");
    config_free(&c);
    config_report_fini(&report);
}

static void test_guard_table(void **state)
{
    (void)state;
    for (size_t i = 0; config_guard_at(i); i++) {
        const struct config_guard *guard = config_guard_at(i);
        check_case(config_ignored_has(str_of(guard->name)), guard->name);
        check_case(guard->same || guard->open, guard->name);
        check_case(config_guard_find(str_of(guard->name)) == guard, guard->name);
    }
}

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"", "", 0},          {"", "abc", 3},      {"port", "port", 0}, {"prot", "port", 1},
        {"ports", "port", 1}, {"sort", "port", 1}, {"ca", "abc", 3},    {"client_sync", "client_snyc", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str a = str_of(cases[i].a), b = str_of(cases[i].b);
        check_case(config_option_distance(a, b, SIZE_MAX) == cases[i].want, cases[i].a);
        check_case(config_option_distance(b, a, SIZE_MAX) == cases[i].want, cases[i].a);
        check_case(config_option_distance(a, b, 1) == (cases[i].want < 1 ? cases[i].want : 1), cases[i].a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conduwuit_file),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_all_complaints_together),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_registration),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_ignored_of_older_versions),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_guards_come_first),
        cmocka_unit_test(test_guard_table),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_no_toml_is_the_only_complaint),
        cmocka_unit_test(test_variables_of_services),
        cmocka_unit_test(test_proxies_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
