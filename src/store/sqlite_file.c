#include "store/sqlite_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(struct store_error *error, const char *what, const char *path, const char *why)
{
    snprintf(error->text, sizeof error->text, "%s %s: %s", what, path, why);
}

static char *join(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *s = memory_alloc(n + m + 1);
    memcpy(s, a, n);
    memcpy(s + n, b, m + 1);
    return s;
}

static bool lock_path(struct sqlite_file *f, struct store_error *error)
{
    char *lock = join(f->path, ".lock");
    f->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = f->lock_fd >= 0 && flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0;
    error->busy = !ok && f->lock_fd >= 0 && errno == EWOULDBLOCK;
    if (error->busy)
        say(error, "the database", f->path, "another process has it open (is the server running already?)");
    else if (!ok)
        say(error, "cannot lock", lock, strerror(errno));
    free(lock);
    return ok;
}

static bool make_folder(struct sqlite_file *f, struct store_error *error)
{
    const char *parent = getenv("TMPDIR");
    f->folder = join(parent && *parent ? parent : "/tmp", "/hearth-store-XXXXXX");
    if (!mkdtemp(f->folder)) {
        say(error, "cannot make the folder", f->folder, strerror(errno));
        free(f->folder);
        f->folder = NULL;
        return false;
    }
    f->path = join(f->folder, "/db");
    return true;
}

static void remove_folder(struct sqlite_file *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *path = join(f->path, suffixes[i]);
        (void)unlink(path);
        free(path);
    }
    (void)rmdir(f->folder);
}

static bool make_file(const struct store_options *options, const struct sqlite_file *f, struct store_error *error)
{
    int flags = O_RDWR | O_CLOEXEC | (options->create || f->folder ? O_CREAT : 0);
    int fd = open(f->path, flags, 0600); /* before SQLite has it open, so closing drops no lock */
    if (fd < 0) {
        say(error, "cannot open the database", f->path, errno == ENOENT ? "there is none" : strerror(errno));
        return false;
    }
    (void)close(fd);
    return true;
}

void sqlite_file_release(struct sqlite_file *f)
{
    if (f->folder)
        remove_folder(f);
    if (f->lock_fd >= 0)
        (void)close(f->lock_fd);
    free(f->folder);
    free(f->path);
    *f = (struct sqlite_file){.lock_fd = -1};
}

bool sqlite_file_take(const struct store_options *options, struct sqlite_file *f, struct store_error *error)
{
    *f = (struct sqlite_file){.lock_fd = -1};
    if (strcmp(options->path, ":memory:") != 0)
        f->path = join(options->path, "");
    if ((f->path || make_folder(f, error)) && lock_path(f, error) && make_file(options, f, error))
        return true;
    sqlite_file_release(f);
    return false;
}
