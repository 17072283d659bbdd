#include "main/signing_key_file.h"

#include "base/file.h"
#include "base/log.h"
#include "codec/base64.h"
#include "crypto/random.h"
#include "matrix/id.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX     ((size_t)16384)
#define SEED_SIZE    ((size_t)32)
#define VERSION_SIZE 4 /* random characters of a new key's version */

static void wipe(struct str secret)
{
    if (secret.n > 0)
        explicit_bzero((void *)(uintptr_t)secret.p, secret.n);
}

/* Cuts the next word off a line. */
static struct str next_word(struct str *line)
{
    *line = str_trim(*line);
    size_t end = 0;
    while (end < line->n && line->p[end] != ' ' && line->p[end] != '\t')
        end++;
    struct str word = str_slice(*line, 0, end);
    *line = str_trim(str_slice(*line, end, line->n));
    return word;
}

/* What is secret stays in `scratch`. */
static bool parse_line(struct arena *a, struct arena *scratch, struct str line, struct signing_key *key_out)
{
    struct str algorithm = next_word(&line), version = next_word(&line), seed = next_word(&line), bytes;

    /* A line in another order could have the seed for its version: only what is a key id leaves the scratch. */
    struct str key_id = str_fmt(scratch, "%.*s:%.*s", STR_ARG(algorithm), STR_ARG(version));
    if (line.n > 0 || !str_eq(algorithm, STR("ed25519")) || !key_id_valid(key_id))
        return false;
    /* Loose, because the specification's own example has bits left over. */
    if (!base64_decode_loose(scratch, seed, &bytes))
        return false;
    bool good = bytes.n == SEED_SIZE;
    if (good) {
        key_out->key_id = str_copy(a, key_id);
        ed25519_from_seed((const uint8_t *)bytes.p, &key_out->key);
    }
    wipe(bytes);
    return good;
}

static void warn_of_readers(struct arena *scratch, struct str path)
{
    struct stat info;

    if (stat(str_cstr(scratch, path), &info) == 0 && (info.st_mode & S_IROTH))
        log_warn("every user of this machine can read the signing key", LOG_STR("path", path));
}

enum signing_key_file_result signing_key_file_read(struct arena *a, struct str path, struct signing_key *key_out,
                                                   struct str *complaint_out)
{
    struct arena *scratch = arena_new();
    struct str text, rest, line;
    enum file_result result = file_read(scratch, path, FILE_MAX, &text);

    if (result != FILE_OK) {
        arena_free(&scratch);
        *complaint_out = str_fmt(a, "cannot read the signing key %.*s: %s", STR_ARG(path), file_result_text(result));
        return result == FILE_NOT_FOUND ? SIGNING_KEY_FILE_MISSING : SIGNING_KEY_FILE_UNREADABLE;
    }
    warn_of_readers(scratch, path);
    rest = text;
    do
        line = str_trim(str_cut(rest, '\n', &rest));
    while (rest.n > 0 && (line.n == 0 || line.p[0] == '#'));
    bool good = parse_line(a, scratch, line, key_out);
    wipe(text);
    arena_free(&scratch);
    if (good)
        return SIGNING_KEY_FILE_OK;
    *complaint_out =
        str_fmt(a, "%.*s is no signing key: its first line must be \"ed25519 VERSION SEED\"", STR_ARG(path));
    return SIGNING_KEY_FILE_MALFORMED;
}

enum signing_key_file_result signing_key_file_create(struct arena *a, struct str path, struct signing_key *key_out,
                                                     struct str *complaint_out)
{
    const char *cpath = str_cstr(a, path);
    uint8_t seed[SEED_SIZE];

    if (cpath && access(cpath, F_OK) == 0) {
        *complaint_out = str_fmt(a, "there is a signing key %.*s already", STR_ARG(path));
        return SIGNING_KEY_FILE_UNREADABLE;
    }
    ed25519_generate(&key_out->key, seed);
    struct str version = str_fmt(a, "a_%.*s", STR_ARG(random_string(a, VERSION_SIZE, RANDOM_BASE62)));
    struct str encoded = base64_encode(a, seed, SEED_SIZE);
    struct str text = str_fmt(a, "ed25519 %.*s %.*s\n", STR_ARG(version), STR_ARG(encoded));
    explicit_bzero(seed, sizeof(seed));
    wipe(encoded);
    key_out->key_id = str_fmt(a, "ed25519:%.*s", STR_ARG(version));

    enum file_result result = file_write_atomic(path, text, 0600);
    wipe(text);
    if (result == FILE_OK)
        return SIGNING_KEY_FILE_OK;
    *complaint_out = str_fmt(a, "cannot write the signing key %.*s: %s", STR_ARG(path), file_result_text(result));
    return SIGNING_KEY_FILE_UNREADABLE;
}
