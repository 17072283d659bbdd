#include "main/data_folder.h"

#include "base/file.h"
#include "main/server.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT_NAME "HEARTH_DATABASE_PATH="

struct str data_folder_absolute(struct arena *a, struct str path)
{
    char current[PATH_MAX];

    if (str_starts(path, STR("/")) || !getcwd(current, sizeof(current)))
        return path;
    while (str_starts(path, STR("./")))
        path = str_slice(path, 2, path.n);
    if (path.n == 0 || str_eq(path, STR(".")))
        return str_fmt(a, "%s", current);
    return str_fmt(a, "%s%s%.*s", current, strcmp(current, "/") == 0 ? "" : "/", STR_ARG(path));
}

/* --- started in the wrong folder --- */

/* Whether the configuration file stands in the current folder. */
static bool is_beside_file(struct arena *a, const char *config_path)
{
    struct str folder = str_of(config_path);
    struct stat here, there;

    while (folder.n > 0 && folder.p[folder.n - 1] != '/')
        folder.n--;
    if (folder.n == 0)
        return true;
    return stat(".", &here) == 0 && stat(str_cstr(a, folder), &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

static bool is_empty_folder(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    size_t count = 0;

    if (!folder)
        return false;
    while ((entry = readdir(folder)) && count == 0)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count == 0;
}

static bool is_in_environment(char *const *environment)
{
    for (size_t i = 0; environment && environment[i]; i++) {
        if (str_starts(str_of(environment[i]), STR(ENVIRONMENT_NAME)))
            return true;
    }
    return false;
}

struct str data_folder_astray(struct arena *a, const struct config *config, const char *config_path,
                              char *const *environment)
{
    struct str path = config->database_path, absolute = data_folder_absolute(a, path);

    if (str_starts(path, STR("/")) || is_in_environment(environment) || is_beside_file(a, config_path) ||
        access(server_path(a, config, SERVER_DATABASE), F_OK) == 0 ||
        access(server_path(a, config, SERVER_SIGNING_KEY), F_OK) == 0 || is_empty_folder(str_cstr(a, path)))
        return STR("");
    return str_fmt(
        a,
        "database_path \"%.*s\" is relative, so that it counts from the folder the server is started in, and "
        "there is no database in %.*s. Start the server in the folder that was meant, or write an absolute "
        "path into %s. To begin a new database here: mkdir %.*s",
        STR_ARG(path), STR_ARG(absolute), config_path, STR_ARG(absolute));
}

/* --- can a server work in it --- */

/* A failure of access(2). The owner will be refused whoever asks; others may just be the wrong user. */
static struct data_folder_fault refused(struct arena *a, const char *path, bool own, const char *what)
{
    struct data_folder_fault fault = {.error = STR("")};

    if (errno == EACCES && !own)
        fault.warning =
            str_fmt(a, "database_path: this user cannot %s %s; the server has to run as one who can", what, path);
    else
        fault.error = str_fmt(a, "database_path: cannot %s %s: %s", what, path, strerror(errno));
    return fault;
}

static struct data_folder_fault check_path(struct arena *a, const char *path, mode_t kind, const char *what)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return refused(a, path, false, "reach");
    if ((info.st_mode & S_IFMT) != kind)
        return (struct data_folder_fault){
            .error = str_fmt(a, "database_path: %s is no %s", path, kind == S_IFDIR ? "folder" : "regular file")};
    if (access(path, kind == S_IFDIR ? W_OK | X_OK : R_OK | W_OK) != 0)
        return refused(a, path, info.st_uid == geteuid(), what);
    return (struct data_folder_fault){.error = STR("")};
}

struct data_folder_fault data_folder_check(struct arena *a, const struct config *config)
{
    struct str folder = data_folder_absolute(a, config->database_path);
    const char *path = str_cstr(a, folder), *database = server_path(a, config, SERVER_DATABASE);
    struct stat info;
    bool missing = false;

    /* What is missing is made in the nearest folder above that is there. A link to nothing is there, and in the way. */
    while (folder.n > 1 && lstat(path, &info) != 0 && errno == ENOENT) {
        missing = true;
        while (folder.n > 1 && folder.p[folder.n - 1] == '/')
            folder.n--;
        while (folder.n > 1 && folder.p[folder.n - 1] != '/')
            folder.n--;
        path = str_cstr(a, folder);
    }
    struct data_folder_fault fault = check_path(a, path, S_IFDIR, missing ? "make a folder in" : "write to");
    if (fault.error.n == 0 && fault.warning.n == 0 && access(database, F_OK) == 0)
        fault = check_path(a, database, S_IFREG, "write to");
    return fault;
}

/* --- is it still the same --- */

static const struct {
    const char *name, *lost;
} watched[DATA_FOLDER_FILES] = {
    {SERVER_DATABASE,
     "the database file was deleted or replaced while the server runs: what it acknowledges now is lost with the "
     "next stop. Stop it, put the folder back as it was or from a backup, and start it again"},
    {SERVER_SOCKET,
     "the control socket was deleted or replaced while the server runs: commands cannot reach the server before it is "
     "started again"},
};

void data_folder_watch_init(struct data_folder_watch *watch, struct arena *a, const struct config *config)
{
    struct stat info;

    *watch = (struct data_folder_watch){.paths = {NULL}};
    for (size_t i = 0; i < DATA_FOLDER_FILES; i++) {
        struct str path = str_of(server_path(a, config, watched[i].name));
        watch->paths[i] = str_cstr(a, data_folder_absolute(a, path));
        if (stat(watch->paths[i], &info) != 0)
            continue;
        watch->devices[i] = info.st_dev;
        watch->numbers[i] = info.st_ino;
        watch->there[i] = watch->used[i] = true;
    }
}

size_t data_folder_watch_look(struct data_folder_watch *watch)
{
    size_t lost = 0;

    for (size_t i = 0; i < DATA_FOLDER_FILES; i++) {
        struct stat info;
        bool there =
            stat(watch->paths[i], &info) == 0 && info.st_dev == watch->devices[i] && info.st_ino == watch->numbers[i];
        if (watch->used[i] && watch->there[i] && !there) {
            log_error(watched[i].lost, LOG_CSTR("path", watch->paths[i]));
            lost++;
        }
        watch->there[i] = there;
    }
    return lost;
}
