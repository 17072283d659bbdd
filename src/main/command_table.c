#include "main/command.h"

#define PASSWORD_FLAGS                                                                                                 \
    {.name = "--password-file",                                                                                        \
     .value = "FILE",                                                                                                  \
     .help = "read the password from the first line of FILE; - is standard input"},                                    \
    {                                                                                                                  \
        .name = "--random-password", .help = "make a password and print it"                                            \
    }

static const struct command commands[] = {
    {.name = "serve",
     .flags = {{.name = "--welcome", .help = "print the address, a new registration token and what to do next"}},
     .help = "Run the server.",
     .run = command_serve},
    {.name = "check-config",
     .help = "Say what is wrong with the configuration; nothing is started or changed.",
     .run = command_config_check},
    {.name = "init",
     .flags = {{.name = "--set", .value = "OPTION=VALUE", .help = "set this option in the new file", .repeats = true},
               {.name = "--if-missing", .help = "do nothing if the file is there"}},
     .help = "Write a configuration file with every option as a comment.",
     .run = command_config_init},
    {.name = "options",
     .flags = {{.name = "--toml", .help = "as a commented configuration file (as without a flag)"},
               {.name = "--markdown", .help = "as docs/configuration.md has them"}},
     .help = "Print every option of the configuration.",
     .run = command_config_options},
    {.name = "user create",
     .arguments = "NAME",
     .args_min = 1,
     .args_max = 1,
     .flags = {PASSWORD_FLAGS, {.name = "--admin", .help = "make the account an administrator"}},
     .help = "Make an account.",
     .run = command_user_create},
    {.name = "user list", .help = "List all accounts.", .run = command_user_list},
    {.name = "user password",
     .arguments = "USER",
     .args_min = 1,
     .args_max = 1,
     .flags = {PASSWORD_FLAGS, {.name = "--keep-devices", .help = "leave the account logged in where it is"}},
     .help = "Set another password, and log the account out everywhere.",
     .run = command_user_password},
    {.name = "user admin",
     .arguments = "USER",
     .args_min = 1,
     .args_max = 1,
     .flags = {{.name = "--revoke", .help = "make the account an ordinary one again"}},
     .help = "Make an account an administrator.",
     .run = command_user_admin},
    {.name = "user deactivate",
     .arguments = "USER",
     .args_min = 1,
     .args_max = 1,
     .flags = {{.name = "--erase", .help = "also remove what the user keeps on the server"}},
     .help = "Close an account for ever: it is logged out, leaves all rooms, and its name stays taken.",
     .run = command_user_deactivate},
    {.name = "token create",
     .flags = {{.name = "--token", .value = "TEXT", .help = "this token instead of a random one"},
               {.name = "--uses", .value = "N", .help = "good for so many accounts (otherwise any number)"},
               {.name = "--expires",
                .value = "TIME",
                .help = "good for so long: 90s, 30m, 12h, 7d (otherwise for ever)"}},
     .help = "Make a registration token.",
     .run = command_token_create},
    {.name = "token list", .help = "List all registration tokens.", .run = command_token_list},
    {.name = "token revoke",
     .arguments = "TOKEN",
     .args_min = 1,
     .args_max = 1,
     .help = "Remove a registration token.",
     .run = command_token_revoke},
    {.name = "db gc",
     .flags = {{.name = "--compact",
                .help = "then give the space back to the file system, which rewrites the database"}},
     .help = "Remove what the database holds of room states that no event has; not while a server runs.",
     .run = command_db_gc},
    {.name = "db copy",
     .arguments = "FROM TO",
     .args_min = 2,
     .args_max = 2,
     .help =
         "Copy everything from one database into another, empty one: each is an SQLite file (hearth.db) or a "
         "postgresql:// URL, whose password can stand in ~/.pgpass; not while a server runs. FROM is only read, and "
         "must have been opened by a server of this version.",
     .run = command_db_copy},
    {.name = "key accept",
     .help =
         "Sign with the key in signing.key from now on, although the database knows another one; not while a server "
         "runs. Other servers may refuse what they get until they have asked for the new key.",
     .run = command_key_accept},
    {.name = "version", .help = "Print the version.", .run = command_version},
    {.name = "help", .arguments = "[COMMAND]", .args_max = 2, .help = "Explain a command.", .run = command_help},
};

const struct command *command_at(size_t index)
{
    return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}
