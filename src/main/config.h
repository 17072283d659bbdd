/*
 * The configuration: one TOML file, then HEARTH_* variables of the environment over it.
 *
 *      hearth.toml --+                          config_option.c: one table of every option
 *                    +--> settings (name, value, where) --> checked, converted, stored in struct config
 *      HEARTH_* -----+
 *
 * All that is wrong is reported together, up to CONFIG_MESSAGES_MAX, each with its place ("hearth.toml:12: ...").
 * The file is the one conduwuit and Tuwunel read: options stand in [global]; theirs that this server has no use for
 * are accepted with one warning.
 *
 * Ownership: a struct config owns everything it points to. It is constant after it was loaded; SIGHUP loads another.
 * Threads: a loaded configuration may be read by any thread.
 */
#ifndef HEARTH_MAIN_CONFIG_H
#define HEARTH_MAIN_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"

#define CONFIG_FILE_MAX      ((size_t)1 << 20) /* bytes of a configuration file */
#define CONFIG_MESSAGES_MAX  20
#define CONFIG_LISTENERS_MAX 15 /* addresses times ports; the control socket is the 16th */

struct config_strings {
    struct str *items;
    size_t count;
};

struct config_ints {
    int64_t *items;
    size_t count;
};

struct config {
    struct arena *arena;

    /* one field an option, in the order of the table; absent strings have p == NULL */
    struct str server_name;
    struct str database_path;
    struct config_strings address;
    struct config_ints port;
    int64_t max_request_size;
    int64_t max_response_memory;
    struct config_strings trusted_proxies;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t io_threads;
    int64_t worker_threads;
    int64_t slow_threads;
    int64_t client_receive_timeout_ms;
    int64_t client_shutdown_timeout_ms;
    struct str log;
    struct str log_format_name;
    bool allow_registration;
    bool open_registration_accepted;
    struct str registration_token;
    bool allow_room_creation;
    struct str default_room_version;
    int64_t access_token_ttl_ms;
    int64_t client_sync_timeout_max_ms;
    bool allow_federation;
    struct config_strings trusted_servers;
    struct str database;
    int64_t database_pool_size;
    int64_t cache_size;
    struct str well_known_client;
    struct str well_known_server;
    struct str support_page;
    struct str support_email;
    struct str support_mxid;
    struct str support_role;

    /* derived from them */
    enum log_level log_level;
    enum log_format log_format;
    bool open_registration; /* anyone may register without a token */
};

/* What there is to say about a configuration. Strings live in the report's arena. */
struct config_report {
    struct arena *arena;
    struct str errors[CONFIG_MESSAGES_MAX];
    size_t error_count; /* may be larger than what is kept */
    struct str warnings[CONFIG_MESSAGES_MAX];
    size_t warning_count;
};

void config_report_init(struct config_report *report);
void config_report_fini(struct config_report *report);
/* Adds a message; beyond the maximum it is only counted. */
void config_report_error(struct config_report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void config_report_warning(struct config_report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* How many of `count` messages were kept. */
static inline size_t config_report_kept(size_t count)
{
    return count < CONFIG_MESSAGES_MAX ? count : CONFIG_MESSAGES_MAX;
}

/* Reads the file at `path` and the variables `environment` (a NULL-terminated list of NAME=value, as environ; NULL:
 * none). The new configuration, or NULL if the report holds errors. */
struct config *config_load(const char *path, char *const *environment, struct config_report *report)
    __attribute__((warn_unused_result));
/* The same for a text that is already in memory; `name` stands for it in messages. */
struct config *config_parse(struct str name, struct str text, char *const *environment, struct config_report *report)
    __attribute__((warn_unused_result));
/* Accepts NULL; sets *config to NULL. Wipes secrets. */
void config_free(struct config **config);

#endif
