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
    int fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        say(error, "cannot make", f->path, strerror(errno));
    else
        (void)close(fd);
    return fd >= 0;
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

/* What is wrong with the file; NULL: nothing, or it is empty and may become a database. Every database of ours has had
 * its mark since before its first table. */
static const char *complaint_of(int fd)
{
    static const char magic[16] = "SQLite format 3";
    enum { MARK_AT = 68, HEADER = 100 };
    unsigned char head[HEADER];
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return strerror(errno);
    if (n == 0)
        return NULL;
    if (n < HEADER || memcmp(head, magic, sizeof magic) != 0)
        return "it is not a database";
    return memcmp(head + MARK_AT, SQLITE_FILE_MARK, strlen(SQLITE_FILE_MARK)) == 0 ? NULL
                                                                                   : "it is not a database of Hearth";
}

/* Before the lock, so that nothing is left beside a file that is somebody else's; and before SQLite has it open, so
 * that closing drops no lock of SQLite's. */
static bool look_at_file(const struct store_options *options, const char *path, struct store_error *error)
{
    struct stat info;
    bool there = stat(path, &info) == 0, make = options->create && !there && errno == ENOENT;
    const char *complaint = NULL;
    if (there && !S_ISREG(info.st_mode)) /* opening a pipe would wait */
        complaint = S_ISDIR(info.st_mode) ? "it is a folder" : "it is no file";
    else if (!there && !make)
        complaint = errno == ENOENT ? "there is none" : strerror(errno);
    if (!complaint) {
        int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
        complaint = fd >= 0 ? complaint_of(fd) : errno == ENOENT ? "its folder is not there" : strerror(errno);
        if (fd >= 0)
            (void)close(fd);
    }
    if (complaint)
        say(error, "cannot open the database", path, complaint);
    return !complaint;
}

/* Where the file really is: it has one lock, whatever links lead to it. */
static bool find_file(const struct store_options *options, struct sqlite_file *f, struct store_error *error)
{
    if (!look_at_file(options, options->path, error))
        return false;
    f->path = realpath(options->path, NULL);
    if (!f->path)
        say(error, "cannot open the database", options->path, strerror(errno));
    return f->path != NULL;
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
    bool private = strcmp(options->path, ":memory:") == 0;
    if ((private ? make_folder(f, error) : find_file(options, f, error)) && lock_path(f, error))
        return true;
    sqlite_file_release(f);
    return false;
}
