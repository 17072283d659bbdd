#include "main/config_option.h"

#include "http/peer.h"
#include "main/config_ignored.h"
#include "main/server.h"
#include "matrix/id.h"
#include "matrix/room_version.h"
#include "store/store.h"

#include <string.h>
#include <sys/un.h>

static const char *check_server_name(struct str value)
{
    return server_name_valid(value) ? NULL : "is no server name: a host name or address, with a port if need be";
}

/* By the parser that the server will use, so that it never refuses what was called good. */
static const char *check_network(struct str value)
{
    return peer_network_valid(value) ? NULL : "is no address, no network as in 10.0.0.0/8, and not \"unix\"";
}

static const char *check_address(struct str value)
{
    bool other = str_find(value, '/') < value.n || str_eq(value, STR("unix"));

    return !other && !check_network(value) ? NULL : "is no IPv4 or IPv6 address";
}

/* A folder that holds a unix socket, whose path has a fixed room in an address. */
static const char *check_path(struct str value)
{
    if (value.n == 0 || memchr(value.p, 0, value.n))
        return "is no path";
    if (value.n + sizeof("/" SERVER_SOCKET) > sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return "is too long: with \"/" SERVER_SOCKET "\" it must be shorter than 108 bytes";
    return NULL;
}

static const char *check_database(struct str value)
{
    struct arena *a = arena_new();
    const char *url = str_cstr(a, value);
    const char *complaint = url ? store_url_complaint(url) : "is no URL";

    arena_free(&a);
    return complaint;
}

static const char *check_secret(struct str value)
{
    return value.n > 0 && value.n <= 255 ? NULL : "must have 1 to 255 bytes";
}

static const char *check_room_version(struct str value)
{
    return room_version_find(value) ? NULL : "is no room version that this server supports";
}

static const char *check_url(struct str value)
{
    bool scheme = str_starts(value, STR("https://")) || str_starts(value, STR("http://"));
    struct str host = str_slice(value, str_find_str(value, STR("://")) + 3, value.n);

    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] <= ' ' || value.p[i] == '"' || value.p[i] == 0x7f)
            return "is no URL";
    }
    return scheme && host.n > 0 && host.p[0] != '/' ? NULL : "is no URL: it must begin with https:// or http://";
}

static const char *check_user_id(struct str value)
{
    return user_id_valid(value) ? NULL : "is no user id, as in @name:example.org";
}

static const char *check_email(struct str value)
{
    size_t at = str_find(value, '@');

    return at > 0 && at + 1 < value.n && str_find(value, ' ') == value.n ? NULL : "is no e-mail address";
}

static const char *check_role(struct str value)
{
    return value.n > 0 && value.n <= 255 ? NULL : "is no role, as in m.role.admin";
}

static const char *check_log_format(struct str value)
{
    return str_eq(value, STR("text")) || str_eq(value, STR("json")) ? NULL : "is neither \"text\" nor \"json\"";
}

#define FIELD(name)       .offset = offsetof(struct config, name)
#define OPEN_REGISTRATION "yes_i_am_very_very_sure_i_want_an_open_registration_server_prone_to_abuse"
#define DAY_S             (24 * 60 * 60)

static const struct config_option options[] = {
    {.name = "server_name",
     .section = "Identity and files",
     .type = CONFIG_STRING,
     .check = check_server_name,
     FIELD(server_name),
     .example = "example.org",
     .help = "The name of this server: what stands after the colon of its user ids. Required, and fixed for the life "
             "of the database."},
    {.name = "database_path",
     .type = CONFIG_STRING,
     .fallback = "/var/lib/hearth",
     .check = check_path,
     FIELD(database_path),
     .help = "The folder of the database, the signing key and the control socket. It is made if it does not exist. A "
             "relative path counts from the folder the server is started in; better write an absolute one."},
    {.name = "cache_size",
     .type = CONFIG_SIZE,
     .fallback = "64 MiB",
     .unit = "bytes",
     .min = 4 << 20,
     .max = INT64_C(1) << 40,
     FIELD(cache_size),
     .help = "How much memory may hold what was read from the database and may be of use again: room states, names, "
             "pages of SQLite, rooms that nobody uses at the moment."},
    {.name = "address",
     .section = "Listening",
     .type = CONFIG_STRINGS,
     .fallback = "127.0.0.1",
     .min = 1,
     .max = 16,
     .check = check_address,
     FIELD(address),
     .help = "The addresses to listen on, each with every port. \"0.0.0.0\" and \"::\" mean all of the machine."},
    {.name = "port",
     .type = CONFIG_INTS,
     .fallback = "8008",
     .min = 0,
     .max = 65535,
     FIELD(port),
     .help = "The ports to listen on. With 0 the system picks a free one, which the log names."},
    {.name = "max_request_size",
     .type = CONFIG_SIZE,
     .fallback = "20 MiB",
     .unit = "bytes",
     .min = 65536,
     .max = INT64_C(256) << 20,
     FIELD(max_request_size),
     .help = "The largest body of any request; larger ones are refused before they are read. Most kinds of "
             "request have a smaller limit of their own, 256 KiB for an event, which this one can only lower."},
    {.name = "max_response_memory",
     .type = CONFIG_SIZE,
     .fallback = "512 MiB",
     .unit = "bytes",
     .min = 1 << 20,
     .max = INT64_C(1) << 40,
     FIELD(max_response_memory),
     .help = "How much memory answers may take that clients have asked for and not read yet. One user (or one address, "
             "for whoever is not known yet) may have half of what the others leave of it, which is also the largest "
             "answer. Beyond it the answer is "
             "M_LIMIT_EXCEEDED, with the time after which to ask again."},
    {.name = "trusted_proxies",
     .type = CONFIG_STRINGS,
     .fallback = "127.0.0.0/8, ::1, unix",
     .max = CONFIG_LIST_MAX,
     .check = check_network,
     FIELD(trusted_proxies),
     .help = "Reverse proxies, by address or network, whose X-Forwarded-For or Forwarded header is believed. \"unix\" "
             "means unix sockets. If a request has both, X-Forwarded-For counts: a proxy that sets only Forwarded "
             "must remove the other, which a client can make up."},
    {.name = "max_connections",
     .type = CONFIG_INT,
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     FIELD(max_connections),
     .help = "How many connections may be open at once. 0 means as many as the limit of open files leaves, at most "
             "65,536."},
    {.name = "max_connections_per_address",
     .type = CONFIG_INT,
     .fallback = "1024",
     .min = 1,
     .max = 1000000,
     FIELD(max_connections_per_address),
     .help = "How many of them one IPv4 address or IPv6 /64 may hold that is no trusted proxy."},
    {.name = "io_threads",
     .type = CONFIG_INT,
     .fallback = "8",
     .min = 1,
     .max = 64,
     FIELD(io_threads),
     .help = "Threads that read requests and write answers."},
    {.name = "worker_threads",
     .type = CONFIG_INT,
     .fallback = "0",
     .min = 0,
     .max = 1024,
     FIELD(worker_threads),
     .help = "Threads that work on requests. 0 means four a processor, at least 16 and at most 64."},
    {.name = "slow_threads",
     .type = CONFIG_INT,
     .fallback = "64",
     .min = 1,
     .max = 1024,
     FIELD(slow_threads),
     .help = "At most so many threads, started as they are needed, for requests that wait for other servers."},
    {.name = "client_receive_timeout",
     .type = CONFIG_DURATION,
     .fallback = "75s",
     .unit = "s",
     .min = 1,
     .max = 3600,
     FIELD(client_receive_timeout_ms),
     .help = "A connection on which nothing moved for so long is closed. Waiting for /sync does not count."},
    {.name = "client_shutdown_timeout",
     .type = CONFIG_DURATION,
     .fallback = "5s",
     .unit = "s",
     .min = 0,
     .max = 600,
     .reload = true,
     FIELD(client_shutdown_timeout_ms),
     .help = "How long a stop waits for requests in work before it goes on without them."},
    {.name = "allow_registration",
     .section = "Accounts",
     .type = CONFIG_BOOL,
     .fallback = "false",
     .reload = true,
     FIELD(allow_registration),
     .help = "Whether clients may register accounts. A registration token is asked for: registration_token, or one "
             "made by `hearth token create`."},
    {.name = OPEN_REGISTRATION,
     .type = CONFIG_BOOL,
     .fallback = "false",
     .reload = true,
     FIELD(open_registration_accepted),
     .help = "Together with allow_registration and without registration_token: anyone may register without a token. "
             "Such servers are found and abused within days."},
    {.name = "registration_token",
     .type = CONFIG_SECRET,
     .check = check_secret,
     .reload = true,
     FIELD(registration_token),
     .help = "A registration token that is always good. Tokens that end, or count their uses, are made by "
             "`hearth token create`."},
    {.name = "access_token_ttl",
     .type = CONFIG_DURATION,
     .fallback = "604800s",
     .unit = "s",
     .min = 60,
     .max = 3650 * DAY_S,
     .reload = true,
     FIELD(access_token_ttl_ms),
     .help = "How long an access token lasts that can be refreshed. Clients that know no refresh tokens get one that "
             "does not end."},
    {.name = "client_sync_timeout_max",
     .section = "Rooms and clients",
     .type = CONFIG_DURATION,
     .fallback = "90000ms",
     .unit = "ms",
     .min = 1000,
     .max = 600000,
     .reload = true,
     FIELD(client_sync_timeout_max_ms),
     .help = "The longest time /sync waits for news, whatever the client asks for."},
    {.name = "default_room_version",
     .type = CONFIG_STRING,
     .fallback = "12",
     .check = check_room_version,
     .reload = true,
     FIELD(default_room_version),
     .help = "The version of new rooms when the client asks for none."},
    {.name = "allow_room_creation",
     .type = CONFIG_BOOL,
     .fallback = "true",
     .reload = true,
     FIELD(allow_room_creation),
     .help = "Whether users who are no administrators may make rooms."},
    {.name = "allow_federation",
     .section = "Other servers",
     .type = CONFIG_BOOL,
     .fallback = "true",
     .reload = true,
     FIELD(allow_federation),
     .help = "Whether new rooms may be joined from other servers."},
    {.name = "trusted_servers",
     .type = CONFIG_STRINGS,
     .fallback = "matrix.org",
     .max = CONFIG_LIST_MAX,
     .check = check_server_name,
     .reload = true,
     FIELD(trusted_servers),
     .help = "Servers that are asked for the signing keys of others."},
    {.name = "log",
     .section = "Log",
     .type = CONFIG_STRING,
     .fallback = "info",
     .reload = true,
     FIELD(log),
     .help = "What to log, to standard error: error, warn, info, debug or trace. A filter as conduwuit has it "
             "(\"warn,state_res=warn\") counts as its first level."},
    {.name = "log_format",
     .type = CONFIG_STRING,
     .fallback = "text",
     .check = check_log_format,
     .reload = true,
     FIELD(log_format_name),
     .help = "The form of a log line: text or json."},
    {.name = "database.url",
     .section = "PostgreSQL",
     .type = CONFIG_SECRET,
     .check = check_database,
     FIELD(database),
     .example = "postgresql://hearth:password@localhost/hearth",
     .help = "The URL of a PostgreSQL database (15 or later, with encoding UTF8) in which to keep everything but the "
             "signing key. Without it, database_path holds an SQLite database. A plain database = \"postgresql://...\" "
             "in [global] means the same."},
    {.name = "database.pool_size",
     .type = CONFIG_INT,
     .fallback = "32",
     .min = 1,
     .max = 1000,
     FIELD(database_pool_size),
     .help = "Connections for reading, at most; one more is for writing. Several processes may share the database, "
             "but a /sync that waits in one of them is not woken by what another one writes."},
    {.name = "well_known.client",
     .section = "Well-known files",
     .type = CONFIG_STRING,
     .check = check_url,
     .reload = true,
     FIELD(well_known_client),
     .example = "https://matrix.example.org",
     .help = "The URL at which clients reach this server, published in /.well-known/matrix/client."},
    {.name = "well_known.server",
     .type = CONFIG_STRING,
     .check = check_server_name,
     .reload = true,
     FIELD(well_known_server),
     .example = "matrix.example.org:443",
     .help = "The host and port at which servers reach this one, published in /.well-known/matrix/server."},
    {.name = "well_known.support_page",
     .type = CONFIG_STRING,
     .check = check_url,
     .reload = true,
     FIELD(support_page),
     .example = "https://example.org/help",
     .help = "A page for people who need help, published in /.well-known/matrix/support."},
    {.name = "well_known.support_email",
     .type = CONFIG_STRING,
     .check = check_email,
     .reload = true,
     FIELD(support_email),
     .example = "admin@example.org",
     .help = "The e-mail address of the person in charge."},
    {.name = "well_known.support_mxid",
     .type = CONFIG_STRING,
     .check = check_user_id,
     .reload = true,
     FIELD(support_mxid),
     .example = "@admin:example.org",
     .help = "The user id of the person in charge."},
    {.name = "well_known.support_role",
     .type = CONFIG_STRING,
     .fallback = "m.role.admin",
     .check = check_role,
     .reload = true,
     FIELD(support_role),
     .help = "The role of that person: m.role.admin, m.role.security, or a name of one's own."},
};

const struct config_option *config_option_at(size_t index)
{
    return index < sizeof(options) / sizeof(options[0]) ? &options[index] : NULL;
}

bool config_option_has_table(struct str name)
{
    for (size_t i = 0; config_option_at(i); i++) {
        struct str option = str_of(config_option_at(i)->name);
        if (option.n > name.n && option.p[name.n] == '.' && str_starts(option, name))
            return true;
    }
    return false;
}

const struct config_option *config_option_find(struct str name)
{
    const struct config_option *option;

    if (str_eq(name, STR("database")))
        name = STR("database.url");
    for (size_t i = 0; (option = config_option_at(i)); i++) {
        if (str_eq(str_of(option->name), name))
            return option;
    }
    return NULL;
}

const struct config_option *config_option_find_file(struct str name)
{
    if (!str_ends(name, STR("_file")))
        return NULL;
    const struct config_option *option = config_option_find(str_slice(name, 0, name.n - 5));
    return option && option->type == CONFIG_SECRET ? option : NULL;
}

const char *config_option_type_text(const struct config_option *option)
{
    static const char *const texts[] = {
        [CONFIG_BOOL] = "true or false",
        [CONFIG_INT] = "a number",
        [CONFIG_SIZE] = "a size, as in 20971520 or \"20 MiB\"",
        [CONFIG_DURATION] = "a time, as in 30 or \"30s\"",
        [CONFIG_STRING] = "a text",
        [CONFIG_SECRET] = "a text",
        [CONFIG_STRINGS] = "a text or a list of texts",
        [CONFIG_INTS] = "a number or a list of numbers",
    };
    return texts[option->type];
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t config_option_distance(struct str a, struct str b, size_t limit)
{
    enum { MAX = 64 };
    size_t rows[3][MAX + 1]; /* the two rows before this one, and this one, used in turns */
    a = str_slice(a, 0, MAX);
    b = str_slice(b, 0, MAX);
    if ((a.n > b.n ? a.n - b.n : b.n - a.n) >= limit)
        return limit;

    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        size_t best = row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = least(replaced, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
            best = least(best, row[j]);
        }
        if (best >= limit)
            return limit;
    }
    return least(limit, rows[a.n % 3][b.n]);
}

const char *config_option_nearest(struct str name, bool ignored)
{
    const char *best = options[0].name;
    size_t limit = SIZE_MAX;

    /* Our own first: at the same distance they win. */
    for (size_t i = 0; config_option_at(i); i++) {
        size_t distance = config_option_distance(name, str_of(options[i].name), limit);
        if (distance < limit) {
            limit = distance;
            best = options[i].name;
        }
    }
    for (size_t i = 0; ignored && config_ignored_at(i); i++) {
        size_t distance = config_option_distance(name, str_of(config_ignored_at(i)), limit);
        if (distance < limit) {
            limit = distance;
            best = config_ignored_at(i);
        }
    }
    return best;
}
