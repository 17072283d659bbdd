#include "main/password_input.h"

#include "base/file.h"
#include "crypto/crypto.h"
#include "crypto/random.h"

#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX  ((size_t)8192) /* far beyond what accounts take: what is cut here is refused there */
#define RANDOM_LENGTH 20
#define FATAL_COUNT   (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* One line without its end; false at the end of the input. */
static bool read_line(FILE *in, char *line, size_t size)
{
    if (!fgets(line, (int)size, in))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
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
    bool read = read_line(line->in, password, size);
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

static enum command_exit read_stdin(struct command_line *line, struct str *password_out)
{
    char password[PASSWORD_MAX];

    if (!read_line(line->in, password, sizeof(password)))
        return command_fail(line, COMMAND_USAGE, "there is no password on standard input");
    *password_out = str_copy(line->arena, str_of(password));
    explicit_bzero(password, sizeof(password));
    return COMMAND_OK;
}

static enum command_exit read_file(struct command_line *line, const char *path, struct str *password_out)
{
    struct str content, rest;
    enum file_result result = file_read(line->arena, str_of(path), PASSWORD_MAX, &content);

    if (result != FILE_OK)
        return command_fail(line, COMMAND_FAILED, "cannot read the password from %s: %s", path,
                            file_result_text(result));
    *password_out = str_cut(content, '\n', &rest);
    if (str_ends(*password_out, STR("\r")))
        password_out->n--;
    return COMMAND_OK;
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
    if (path && strcmp(path, "-") == 0)
        return read_stdin(line, password_out);
    if (path)
        return read_file(line, path, password_out);
    if (isatty(fileno(line->in)))
        return ask_twice(line, password_out);
    return command_fail(line, COMMAND_USAGE,
                        "no password: give --password-file FILE (- is standard input) or --random-password");
}
