#include "main/config_doc.h"

#include "codec/json_writer.h"
#include "main/config_guard.h"
#include "main/config_ignored.h"

#define LINE_WIDTH 110

/* A basic string of TOML. */
static void add_quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c == 0x7f) {
            buf_fmt(out, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

static bool is_number(struct str text)
{
    int64_t ignored;

    return str_to_i64(text, &ignored);
}

/* A value, given in the form of the environment, as TOML has it. */
static void add_value(struct buf *out, const struct config_option *option, struct str text)
{
    bool list = option->type == CONFIG_STRINGS || option->type == CONFIG_INTS;
    bool bare = option->type == CONFIG_BOOL || option->type == CONFIG_INT || option->type == CONFIG_INTS ||
                ((option->type == CONFIG_SIZE || option->type == CONFIG_DURATION) && is_number(text));
    bool several = list && (text.n == 0 || str_find(text, ',') < text.n);

    if (several)
        buf_add_char(out, '[');
    if (!list && text.n == 0)
        add_quoted(out, text);
    for (struct str rest = text, item; rest.n > 0;) {
        item = list ? str_trim(str_cut(rest, ',', &rest)) : rest;
        if (bare)
            buf_add(out, item);
        else
            add_quoted(out, item);
        if (!list)
            break;
        if (rest.n > 0)
            buf_add(out, STR(", "));
    }
    if (several)
        buf_add_char(out, ']');
}

/* The text in lines that begin with `prefix`, broken between words. */
static void add_lines(struct buf *out, const char *prefix, struct str text)
{
    size_t column = 0, prefix_size = str_of(prefix).n;

    while (text.n > 0) {
        struct str word = str_cut(text, ' ', &text);
        if (column > 0 && column + 1 + word.n > LINE_WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_add(out, column == 0 ? str_of(prefix) : STR(" "));
        column += (column == 0 ? prefix_size : 1) + word.n;
        buf_add(out, word);
    }
    buf_add_char(out, '\n');
}

/* The table of "well_known.client" is "well_known"; empty for the others. */
static struct str table_of(const struct config_option *option)
{
    struct str name = str_of(option->name), member;
    struct str table = str_cut(name, '.', &member);

    return member.n > 0 ? table : STR("");
}

static void add_range(struct buf *out, const struct config_option *option)
{
    bool number = option->type == CONFIG_INT || option->type == CONFIG_INTS || option->type == CONFIG_SIZE ||
                  option->type == CONFIG_DURATION;

    if (number)
        buf_fmt(out, "%lld to %lld%s%s", (long long)option->min, (long long)option->max, option->unit ? " " : "",
                option->unit ? option->unit : "");
}

static void add_toml_option(struct buf *out, const struct config_option *option, struct str given, struct str file)
{
    struct str table = table_of(option);
    struct str name = str_slice(str_of(option->name), table.n > 0 ? table.n + 1 : 0, SIZE_MAX);
    const char *shown = option->fallback ? option->fallback : option->example ? option->example : "...";

    buf_add_char(out, '\n');
    add_lines(out, "# ", str_of(option->help));
    if (file.p) {
        buf_fmt(out, "%.*s_file = ", STR_ARG(name));
        add_quoted(out, file);
    } else {
        buf_fmt(out, "%s%.*s = ", given.p ? "" : "#", STR_ARG(name));
        add_value(out, option, given.p ? given : str_of(shown));
    }
    buf_add_char(out, '\n');
}

void config_doc_toml(struct buf *out, const struct config_given *given)
{
    const struct config_option *option;
    struct str table = STR("");

    buf_add(out, STR("# The configuration of Hearth. What is commented out shows the default, or an example.\n"
                     "# `hearth check-config` says whether a file is good; docs/configuration.md explains more.\n"
                     "\n[global]\n"));
    for (size_t i = 0; (option = config_option_at(i)); i++) {
        if (option->section)
            buf_fmt(out, "\n# --- %s ---\n", option->section);
        if (!str_eq(table_of(option), table)) {
            table = table_of(option);
            buf_fmt(out, "\n[global.%.*s]\n", STR_ARG(table));
        }
        add_toml_option(out, option, given->values[i], given->files[i]);
    }
}

static const char markdown_head[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `make docs` from the table in src/main/config_option.c: change it there. -->\n"
    "\n"
    "Hearth reads one TOML file: the one given with `--config`, else the one that `HEARTH_CONFIG` names, else the "
    "first\n"
    "of `./hearth.toml`, `./data/hearth.toml` and `/etc/hearth/hearth.toml` that exists. Options stand in `[global]`.\n"
    "`hearth init` writes a file with every option as a comment, `hearth check-config` says what is wrong with one.\n"
    "\n"
    "- **Environment.** Every option can be overridden by `HEARTH_<NAME>` in capital letters; tables are joined with "
    "two\n"
    "  underscores (`HEARTH_WELL_KNOWN__CLIENT`), lists are separated by commas. An unknown `HEARTH_` variable is an "
    "error,\n"
    "  but for those that Kubernetes and Docker set for a service of the name `hearth` (`HEARTH_SERVICE_HOST`,\n"
    "  `HEARTH_PORT=tcp://...`): they are ignored with a warning.\n"
    "- **Secrets** can stand in a file of their own, named by `<name>_file`; white space around them does not count.\n"
    "- **Sizes** are bytes, or a text with a unit: `\"20 MiB\"`, `\"20M\"` (the same), `\"20MB\"` (20,000,000).\n"
    "- **Times** are numbers in the unit the option names, or a text: `\"500ms\"`, `\"30s\"`, `\"5m\"`, `\"1h\"`, "
    "`\"7d\"`.\n"
    "- **Paths** that are relative count from the folder in which the program is started, as in conduwuit and "
    "Tuwunel;\n"
    "  `hearth init` writes absolute ones. `check-config` and the log name the folder of `database_path` in full, and "
    "a\n"
    "  server that is started in another folder than that of its file does not begin a new database there: it stops "
    "and\n"
    "  says so, unless the folder is made first.\n"
    "- **SIGHUP** makes the server read its file again. Options marked *reload* change at once; for others the log\n"
    "  says that they need a restart. A file with errors changes nothing.\n"
    "- **Files of conduwuit, Tuwunel and continuwuity** work as they stand. Options of theirs that Hearth has no use "
    "for\n"
    "  are accepted with one warning. Those that restrict or protect get a louder one each, which says what is open\n"
    "  without them; those that ask for what Hearth does anyway get none. Any other unknown option is an error that\n"
    "  names the nearest known one, or the table it belongs under.\n";

static void add_markdown_option(struct buf *out, const struct config_option *option)
{
    buf_fmt(out, "\n### `%s`\n\n", option->name);
    add_lines(out, "", str_of(option->help));
    buf_fmt(out, "\n- Type: %s", config_option_type_text(option));
    if (option->unit && option->type == CONFIG_DURATION)
        buf_fmt(out, "; a plain number counts %s", option->unit[0] == 's' ? "seconds" : "milliseconds");
    if (option->type == CONFIG_SECRET)
        buf_fmt(out, "; also as `%s_file`", option->name);
    buf_add(out, STR("\n- Default: "));
    if (option->fallback) {
        buf_add_char(out, '`');
        add_value(out, option, str_of(option->fallback));
        buf_add_char(out, '`');
    } else {
        buf_add(out, STR("none"));
    }
    if (option->example) {
        buf_add(out, STR(" (example: `"));
        add_value(out, option, str_of(option->example));
        buf_add(out, STR("`)"));
    }
    if (option->type != CONFIG_BOOL && option->max > 0 && option->type != CONFIG_STRINGS) {
        buf_add(out, STR("\n- Range: "));
        add_range(out, option);
    }
    buf_add(out, option->reload ? STR("\n- Reload: yes\n") : STR("\n- Reload: no, needs a restart\n"));
}

static void add_markdown_guards(struct buf *out)
{
    buf_add(
        out,
        STR("\n## Accepted, but protecting nothing\n\n"
            "These options of conduwuit, Tuwunel and continuwuity restrict or protect, and Hearth does not "
            "have them.\n`check-config` and the log name each that is set to anything but what stands beside it.\n\n"
            "| option | no warning for | without it |\n|---|---|---|\n"));
    for (size_t i = 0; config_guard_at(i); i++) {
        const struct config_guard *guard = config_guard_at(i);
        if (!guard->open)
            continue;
        buf_fmt(out, "| `%s` | ", guard->name);
        if (guard->same && guard->same[0])
            buf_fmt(out, "`%s`", guard->same);
        else
            buf_add(out, guard->same ? STR("nothing in it") : STR(""));
        buf_fmt(out, " | %s |\n", guard->open);
    }
}

void config_doc_markdown(struct buf *out)
{
    const struct config_option *option;

    buf_add(out, str_of(markdown_head));
    for (size_t i = 0; (option = config_option_at(i)); i++) {
        if (option->section)
            buf_fmt(out, "\n## %s\n", option->section);
        add_markdown_option(out, option);
    }
    add_markdown_guards(out);
    buf_add(out, STR("\n## Accepted without effect\n\n"
                     "All options of conduwuit, Tuwunel and continuwuity that are known and do nothing here "
                     "(`*` stands for any name):\n\n"));
    for (size_t i = 0; config_ignored_at(i); i++)
        buf_fmt(out, "%s`%s`", i == 0 ? "" : ",\n", config_ignored_at(i));
    buf_add(out, STR(".\n"));
}

void config_doc_json(struct buf *out)
{
    const struct config_option *option;
    struct json_writer w;

    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, STR("options"));
    json_begin_array(&w);
    for (size_t i = 0; (option = config_option_at(i)); i++) {
        json_begin_object(&w);
        json_field_str(&w, STR("name"), str_of(option->name));
        json_field_str(&w, STR("type"), str_of(config_option_type_text(option)));
        if (option->fallback)
            json_field_str(&w, STR("default"), str_of(option->fallback));
        if (option->unit)
            json_field_str(&w, STR("unit"), str_of(option->unit));
        json_field_bool(&w, STR("reload"), option->reload);
        json_field_bool(&w, STR("secret"), option->type == CONFIG_SECRET);
        json_field_str(&w, STR("help"), str_of(option->help));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_add_char(out, '\n');
}
