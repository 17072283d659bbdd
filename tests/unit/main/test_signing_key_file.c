#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "main/signing_key_file.h"

#include <string.h>
#include <sys/stat.h>

#include "check.h"

/* A folder of its own for each test, with the path of a key in it. */
struct place {
    char folder[40];
    char path[64];
    struct arena *a;
};

static void begin(struct place *p)
{
    snprintf(p->folder, sizeof(p->folder), "/tmp/hearth-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/signing.key", p->folder);
    p->a = arena_new();
}

static void end(struct place *p)
{
    unlink(p->path);
    assert_int_equal(rmdir(p->folder), 0);
    arena_free(&p->a);
}

static void test_create_and_read(void **state)
{
    struct signing_key made, read;
    struct str complaint, text;
    struct stat info;
    struct place p;

    (void)state;
    begin(&p);
    assert_int_equal(signing_key_file_read(p.a, str_of(p.path), &read, &complaint), SIGNING_KEY_FILE_MISSING);
    assert_int_equal(signing_key_file_create(p.a, str_of(p.path), &made, &complaint), SIGNING_KEY_FILE_OK);
    assert_int_equal(stat(p.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(signing_key_file_read(p.a, str_of(p.path), &read, &complaint), SIGNING_KEY_FILE_OK);
    check_str(read.key_id, made.key_id, "key id");
    assert_memory_equal(&read.key, &made.key, sizeof(read.key));
    assert_int_equal(made.key_id.n, strlen("ed25519:a_AbCd"));

    /* What is there is never replaced. */
    assert_int_equal(signing_key_file_create(p.a, str_of(p.path), &made, &complaint), SIGNING_KEY_FILE_UNREADABLE);
    assert_int_equal(file_read(p.a, str_of(p.path), 1000, &text), FILE_OK);
    check_case(str_starts(text, STR("ed25519 a_")) && str_ends(text, STR("\n")), "Synapse's form");
    end(&p);
}

/* The seed and the public key of the specification's example (appendices, "Cryptographic Test Vectors"). */
#define SEED "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"

static void test_read(void **state)
{
    static const struct {
        const char *name, *text;
        enum signing_key_file_result want;
        const char *key_id;
    } cases[] = {
        {"one", "ed25519 1 " SEED "\n", SIGNING_KEY_FILE_OK, "ed25519:1"},
        {"without line feed", "ed25519 a_AbCd " SEED, SIGNING_KEY_FILE_OK, "ed25519:a_AbCd"},
        {"two", "ed25519 new " SEED "\ned25519 old " SEED "\n", SIGNING_KEY_FILE_OK, "ed25519:new"},
        {"comment and blanks", "# mine\n\n  ed25519\t1  " SEED " \r\n", SIGNING_KEY_FILE_OK, "ed25519:1"},
        {"empty", "", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"other algorithm", "rsa 1 " SEED "\n", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"no version", "ed25519 " SEED "\n", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"bad version", "ed25519 a-b " SEED "\n", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"short seed", "ed25519 1 YJDBA9Xnr2s\n", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"no base64", "ed25519 1 !" SEED "\n", SIGNING_KEY_FILE_MALFORMED, NULL},
        {"more words", "ed25519 1 " SEED " x\n", SIGNING_KEY_FILE_MALFORMED, NULL},
    };
    struct place p;

    (void)state;
    begin(&p);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct signing_key key;
        struct str complaint = STR("");
        assert_int_equal(file_write_atomic(str_of(p.path), str_of(cases[i].text), 0600), FILE_OK);
        enum signing_key_file_result got = signing_key_file_read(p.a, str_of(p.path), &key, &complaint);
        check_case(got == cases[i].want, cases[i].name);
        if (cases[i].key_id)
            check_str(key.key_id, str_of(cases[i].key_id), cases[i].name);
        else
            check_case(complaint.n > 0, cases[i].name);
    }
    end(&p);
}

/* The log says when others can read the key, and never what is in it. */
static void test_warns_of_readers(void **state)
{
    static const struct {
        mode_t mode;
        bool warns;
    } cases[] = {{0600, false}, {0640, false}, {0644, true}, {0604, true}};
    struct place p;

    (void)state;
    begin(&p);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct signing_key key;
        struct str complaint;
        char line[1000] = "";
        FILE *log = tmpfile();

        assert_non_null(log);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, fileno(log));
        assert_int_equal(file_write_atomic(str_of(p.path), STR("ed25519 1 " SEED "\n"), cases[i].mode), FILE_OK);
        assert_int_equal(signing_key_file_read(p.a, str_of(p.path), &key, &complaint), SIGNING_KEY_FILE_OK);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
        rewind(log);
        size_t n = fread(line, 1, sizeof(line) - 1, log);
        assert_int_equal(n > 0, cases[i].warns);
        assert_true(!cases[i].warns || strstr(line, p.path));
        assert_null(strstr(line, SEED));
        fclose(log);
    }
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_read),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_warns_of_readers),
    };
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
