#include "base/file.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char temp_suffix[] = ".XXXXXX";

const char *file_result_text(enum file_result result)
{
    static const char *const texts[] = {
        [FILE_OK] = "ok",
        [FILE_NOT_FOUND] = "no such file or folder",
        [FILE_DENIED] = "permission denied",
        [FILE_NOT_REGULAR] = "not a regular file",
        [FILE_NOT_DIRECTORY] = "not a folder",
        [FILE_TOO_LARGE] = "larger than allowed",
        [FILE_NO_SPACE] = "no space left on the disk",
        [FILE_BAD_PATH] = "not a usable path",
        [FILE_IO_ERROR] = "input/output error",
    };
    return texts[result];
}

static enum file_result from_errno(void)
{
    static const struct {
        int code;
        enum file_result result;
    } table[] = {
        {ENOENT, FILE_NOT_FOUND},      {EACCES, FILE_DENIED},        {EPERM, FILE_DENIED},
        {EROFS, FILE_DENIED},          {EISDIR, FILE_NOT_REGULAR},   {ENXIO, FILE_NOT_REGULAR},
        {ENOTDIR, FILE_NOT_DIRECTORY}, {EEXIST, FILE_NOT_DIRECTORY}, {EFBIG, FILE_TOO_LARGE},
        {ENOSPC, FILE_NO_SPACE},       {EDQUOT, FILE_NO_SPACE},      {ENAMETOOLONG, FILE_BAD_PATH},
        {ELOOP, FILE_BAD_PATH},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == errno)
            return table[i].result;
    }
    return FILE_IO_ERROR;
}

/* The path for the system's calls, with room for the suffix of a temporary file. */
struct c_path {
    char p[PATH_MAX + sizeof(temp_suffix)];
};

static bool c_path_set(struct c_path *c, struct str path)
{
    if (path.n == 0 || path.n >= PATH_MAX || memchr(path.p, '\0', path.n))
        return false;
    memcpy(c->p, path.p, path.n);
    c->p[path.n] = '\0';
    return true;
}

/* The folder that holds `path`: what stands before its last part, slashes at the end left aside. */
static void c_path_set_parent(struct c_path *c, const char *path)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    struct str parent = n ? (struct str){path, n} : STR(".");
    memmove(c->p, parent.p, parent.n);
    c->p[parent.n] = '\0';
}

/* Closes without losing the error that led here. */
static void close_quietly(int fd)
{
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
}

/* Reads to the end of the file: its size is a hint, for it may change meanwhile and is 0 in /proc. */
static enum file_result read_all(struct arena *a, int fd, size_t hint, size_t max_bytes, struct str *out)
{
    /* One byte more than expected, so that the end is seen without another round, and an excess at all. */
    size_t cap = (hint < max_bytes ? hint : max_bytes) + 1;
    size_t n = 0;
    char *p = arena_alloc(a, cap);
    for (;;) {
        ssize_t got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return from_errno();
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max_bytes)
            return FILE_TOO_LARGE;
        if (n == cap) {
            size_t larger = cap < max_bytes / 2 ? cap * 2 + 512 : max_bytes + 1;
            p = arena_grow(a, p, cap, larger);
            cap = larger;
        }
    }
    *out = (struct str){p, n};
    return FILE_OK;
}

enum file_result file_read(struct arena *a, struct str path, size_t max_bytes, struct str *out)
{
    struct c_path c;
    *out = STR("");
    if (!c_path_set(&c, path))
        return FILE_BAD_PATH;
    /* Without O_NONBLOCK the opening of a pipe would wait for someone to write to it. */
    int fd = open(c.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return from_errno();
    struct stat st;
    enum file_result result = FILE_OK;
    if (fstat(fd, &st) < 0)
        result = from_errno();
    else if (!S_ISREG(st.st_mode))
        result = FILE_NOT_REGULAR;
    else if ((uintmax_t)st.st_size > max_bytes)
        result = FILE_TOO_LARGE;
    if (result == FILE_OK) {
        struct arena_mark mark = arena_mark(a);
        result = read_all(a, fd, (size_t)st.st_size, max_bytes, out);
        if (result != FILE_OK)
            arena_release(a, mark);
    }
    close_quietly(fd);
    return result;
}

static enum file_result sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return from_errno();
    /* Some network file systems cannot sync a folder; they make renames durable themselves. */
    enum file_result result = fsync(fd) < 0 && errno != EINVAL ? from_errno() : FILE_OK;
    close_quietly(fd);
    return result;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            bytes = str_slice(bytes, (size_t)put, bytes.n);
    }
    return true;
}

/* Fills the temporary file and closes it; false with errno. */
static bool fill_temp(int fd, struct str bytes, mode_t mode)
{
    if (!write_all(fd, bytes) || fchmod(fd, mode) < 0 || fsync(fd) < 0) {
        close_quietly(fd);
        return false;
    }
    return close(fd) == 0;
}

enum file_result file_write_atomic(struct str path, struct str bytes, mode_t mode)
{
    struct c_path target;
    struct c_path other;
    if (!c_path_set(&target, path) || !c_path_set(&other, path))
        return FILE_BAD_PATH;
    memcpy(other.p + path.n, temp_suffix, sizeof(temp_suffix));
    /* Created with mode 0600: nobody else reads a key before fchmod says who may. */
    int fd = mkostemp(other.p, O_CLOEXEC);
    if (fd < 0)
        return from_errno();
    if (!fill_temp(fd, bytes, mode) || rename(other.p, target.p) < 0) {
        enum file_result result = from_errno();
        int saved_errno = errno;
        unlink(other.p);
        errno = saved_errno;
        return result;
    }
    c_path_set_parent(&other, target.p);
    return sync_dir(other.p);
}

/* One folder, whose parent is there. */
static enum file_result make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) < 0) {
        struct stat st;
        int failure = errno;
        /* Whatever mkdir found wrong, a folder that is there is all that was asked for. */
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return FILE_OK;
        errno = failure;
        return from_errno();
    }
    struct c_path parent;
    c_path_set_parent(&parent, path);
    return sync_dir(parent.p);
}

enum file_result file_mkdirs(struct str path, mode_t mode)
{
    struct c_path c;
    if (!c_path_set(&c, path))
        return FILE_BAD_PATH;
    for (size_t i = 1; i <= path.n; i++) {
        if (c.p[i] != '/' && c.p[i] != '\0')
            continue;
        char kept = c.p[i];
        c.p[i] = '\0';
        enum file_result result = make_dir(c.p, mode);
        if (result != FILE_OK)
            return result;
        c.p[i] = kept;
    }
    return FILE_OK;
}
