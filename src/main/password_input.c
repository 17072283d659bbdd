#include "main/password_input.h"

#include "crypto/crypto.h"
#include "crypto/random.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX  ((size_t)8192 + 1) /* far beyond what accounts take */
#define RANDOM_LENGTH 20
#define FATAL_COUNT   (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* What read_line() says when there is none; known by its address. */
static const char *const line_missing = "there is no line";

/* The first line without its end, at most size - 1 bytes, as a text. NULL, or what is wrong. */
static const char *read_line(FILE *in, char *line, size_t size)
{
    size_t n = 0;
    int c;

    errno = 0;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (c == '\0')
            return "its first line holds a NUL byte";
        if (n == size - 1)
            return "its first line is longer than 8192 bytes";
        line[n++] = (char)c;
    }
    if (ferror(in))
        return errno != 0 ? strerror(errno) : "input/output error";
    if (c == EOF && n == 0)
        return line_missing;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return NULL;
}

/* The terminal as it was, for the handler: process-wide, because a signal has no other way to find it. Set by the main
 * thread, before the handler is. */
static struct {
    int fd;
    struct termios loud;
} terminal;

static const int fatal_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

/* Gives the terminal its echo back, then ends the process as if nobody had caught the signal. */
static void restore_and_die(int number)
{
    tcsetattr(terminal.fd, TCSANOW, &terminal.loud);
    signal(number, SIG_DFL);
    raise(number); /* delivered when this function returns */
}

static void catch_signals(struct sigaction *before)
{
    struct sigaction action = {.sa_handler = restore_and_die};

    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal_signals[i], &action, &before[i]);
}

static void uncatch_signals(const struct sigaction *before)
{
    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal_signals[i], &before[i], NULL);
}

static bool ask(struct command_line *line, const char *prompt, char *password, size_t size)
{
    struct sigaction before[FATAL_COUNT];
    struct termios quiet;

    terminal.fd = fileno(line->in);
    fputs(prompt, line->err);
    fflush(line->err);
    if (tcgetattr(terminal.fd, &terminal.loud) != 0)
        return false;
    quiet = terminal.loud;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_cc[VSUSP] = _POSIX_VDISABLE; /* a shell would come back without echo */
    catch_signals(before);
    tcsetattr(terminal.fd, TCSAFLUSH, &quiet);
    bool read = read_line(line->in, password, size) == NULL;
    tcsetattr(terminal.fd, TCSAFLUSH, &terminal.loud);
    uncatch_signals(before);
    fputc('\n', line->err);
    return read;
}

static enum command_exit ask_twice(struct command_line *line, struct str *password_out)
{
    char first[PASSWORD_MAX], second[PASSWORD_MAX];
    enum command_exit code = COMMAND_OK;

    if (!ask(line, "Password: ", first, sizeof(first)) || !ask(line, "Again: ", second, sizeof(second)))
        code = command_fail(line, COMMAND_USAGE, "no password was given");
    else if (strcmp(first, second) != 0)
        code = command_fail(line, COMMAND_USAGE, "the two passwords differ");
    else
        *password_out = str_copy(line->arena, str_of(first));
    explicit_bzero(first, sizeof(first));
    explicit_bzero(second, sizeof(second));
    return code;
}

/* `name` stands for the stream in complaints. */
static enum command_exit read_stream(struct command_line *line, FILE *in, const char *name, struct str *password_out)
{
    char password[PASSWORD_MAX];
    const char *complaint = read_line(in, password, sizeof(password));
    enum command_exit code = COMMAND_OK;

    if (complaint == line_missing)
        code = command_fail(line, COMMAND_USAGE, "there is no password %s %s", in == line->in ? "on" : "in", name);
    else if (complaint)
        code = command_fail(line, COMMAND_FAILED, "cannot read the password from %s: %s", name, complaint);
    else
        *password_out = str_copy(line->arena, str_of(password));
    explicit_bzero(password, sizeof(password));
    return code;
}

/* What a password may come from: a file, a pipe (as shells make them of "<(...)"), a terminal. */
static FILE *open_source(const char *path, const char **complaint_out)
{
    struct stat info;
    FILE *in = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    *complaint_out = NULL;
    if (fd < 0 || fstat(fd, &info) != 0)
        *complaint_out = strerror(errno);
    else if (S_ISDIR(info.st_mode))
        *complaint_out = "it is a folder";
    else if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode))
        *complaint_out = "it is no file and no pipe";
    else if (!(in = fdopen(fd, "r")))
        *complaint_out = strerror(errno);
    if (!in && fd >= 0)
        close(fd);
    return in;
}

static enum command_exit read_file(struct command_line *line, const char *path, struct str *password_out)
{
    const char *complaint;
    FILE *in = open_source(path, &complaint);

    if (!in)
        return command_fail(line, COMMAND_FAILED, "cannot read the password from %s: %s", path, complaint);
    setvbuf(in, NULL, _IONBF, 0); /* no copy of it stays behind */
    enum command_exit code = read_stream(line, in, path, password_out);
    fclose(in);
    return code;
}

enum command_exit password_input_read(struct command_line *line, struct str *password_out, bool *random_out)
{
    const char *path = command_flag(line, "--password-file");

    *random_out = command_flag(line, "--random-password") != NULL;
    if (path && *random_out)
        return command_fail(line, COMMAND_USAGE, "--password-file and --random-password exclude each other");
    if (*random_out) {
        crypto_init();
        *password_out = random_string(line->arena, RANDOM_LENGTH, RANDOM_BASE62);
        return COMMAND_OK;
    }
    /* By its name in /dev standard input could not be opened if it is a socket, or another user's. */
    if (path && (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0))
        return read_stream(line, line->in, "standard input", password_out);
    if (path)
        return read_file(line, path, password_out);
    if (isatty(fileno(line->in)))
        return ask_twice(line, password_out);
    return command_fail(line, COMMAND_USAGE,
                        "no password: give --password-file FILE (- is standard input) or --random-password");
}
