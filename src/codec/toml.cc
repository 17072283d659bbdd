/* Two checks of clang's sanitizer want a part of its runtime that only C++ programs get; ours are linked as C. */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("vptr", "function"))), apply_to = function)
#endif

/* arena_mark is a struct and a function, which to C++ looks like a constructor hidden. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "base/arena.h"
#include "base/str.h"
}
#pragma GCC diagnostic pop

#include "codec/toml.h"

#include <algorithm>
#include <exception>
#include <string_view>

#define TOML_EXCEPTIONS        0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 32
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wswitch-enum"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace
{

constexpr unsigned key_parts_max = 16;

struct str copy(struct arena *a, std::string_view s)
{
    return str_copy(a, {s.data(), s.size()});
}

struct toml_result failure(struct arena *a, std::string_view error, unsigned line)
{
    return {nullptr, copy(a, error), line};
}

/* Steps over a string, whose first quote stands at `at`; the result is where it ends, or the end of the text. */
size_t skip_string(std::string_view text, size_t at)
{
    const char quote = text[at];
    const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
    const bool multi_line = text.substr(at, 3) == three;
    at += multi_line ? 3 : 1;
    for (; at < text.size(); at++) {
        if (text[at] == '\\' && quote == '"') {
            at++;
        } else if (multi_line ? text.substr(at, 3) == three : text[at] == quote || text[at] == '\n') {
            at += multi_line ? 3 : 1;
            /* Up to two quotes may stand before those that close. */
            for (int more = 0; multi_line && more < 2 && at < text.size() && text[at] == quote; more++)
                at++;
            return at;
        }
    }
    return text.size();
}

/* The library makes a table of each part of a dotted key and frees them by recursion, however many there are: the line
 * of the first key with too many parts, or 0. Other tokens hold one dot at most. */
unsigned line_of_long_key(std::string_view text)
{
    unsigned line = 1;
    unsigned dots = 0;
    for (size_t at = 0; at < text.size();) {
        const char c = text[at];
        size_t next = at + 1;
        if (c == '"' || c == '\'')
            next = skip_string(text, at);
        else if (c == '#')
            next = std::min(text.find('\n', at), text.size());
        else if (c == '.')
            dots++;
        else if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos)
            dots = 0;
        if (dots >= key_parts_max)
            return line;
        line += static_cast<unsigned>(
            std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                       text.begin() + static_cast<std::ptrdiff_t>(std::min(next, text.size())), '\n'));
        at = next;
    }
    return 0;
}

struct toml_value convert(struct arena *a, const toml::node &node);

void convert_table(struct arena *a, const toml::table &table, struct toml_value *out)
{
    out->type = TOML_TABLE;
    out->count = table.size();
    out->members = static_cast<struct toml_member *>(arena_calloc(a, table.size(), sizeof(struct toml_member)));
    struct toml_member *member = out->members;
    for (const auto &[key, value] : table)
        *member++ = {copy(a, key.str()), key.source().begin.line, convert(a, value)};
}

void convert_array(struct arena *a, const toml::array &array, struct toml_value *out)
{
    out->type = TOML_ARRAY;
    out->count = array.size();
    out->items = static_cast<struct toml_value *>(arena_calloc(a, array.size(), sizeof(struct toml_value)));
    struct toml_value *item = out->items;
    for (const auto &value : array)
        *item++ = convert(a, value);
}

struct toml_value convert(struct arena *a, const toml::node &node)
{
    struct toml_value out = {};
    out.type = TOML_OTHER;
    out.line = node.source().begin.line;
    out.column = node.source().begin.column;
    if (const toml::table *table = node.as_table()) {
        convert_table(a, *table, &out);
    } else if (const toml::array *array = node.as_array()) {
        convert_array(a, *array, &out);
    } else if (const auto *text = node.as_string()) {
        out.type = TOML_STRING;
        out.s = copy(a, text->get());
    } else if (const auto *integer = node.as_integer()) {
        out.type = TOML_INTEGER;
        out.i = integer->get();
    } else if (const auto *number = node.as_floating_point()) {
        out.type = TOML_FLOAT;
        out.f = number->get();
    } else if (const auto *boolean = node.as_boolean()) {
        out.type = TOML_BOOLEAN;
        out.b = boolean->get();
    }
    return out;
}

struct toml_result parse(struct arena *a, std::string_view text)
{
    if (text.size() > TOML_SIZE_MAX)
        return failure(a, "the file is larger than 1 MiB", 0);
    if (const unsigned line = line_of_long_key(text))
        return failure(a, "a key has too many parts", line);
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return failure(a, parsed.error().description(), parsed.error().source().begin.line);
    auto *table = static_cast<struct toml_value *>(arena_alloc(a, sizeof(struct toml_value)));
    *table = convert(a, parsed.table());
    return {table, {nullptr, 0}, 0};
}

} // namespace

extern "C" struct toml_result toml_parse(struct arena *a, struct str text)
{
    try {
        return parse(a, {text.n ? text.p : "", text.n});
    } catch (const std::exception &e) {
        return failure(a, e.what(), 0);
    } catch (...) {
        return failure(a, "unknown failure", 0);
    }
}

extern "C" const struct toml_value *toml_get(const struct toml_value *table, struct str key)
{
    for (size_t i = 0; table && table->type == TOML_TABLE && i < table->count; i++) {
        if (str_eq(table->members[i].key, key))
            return &table->members[i].value;
    }
    return nullptr;
}

extern "C" const char *toml_type_name(enum toml_type type)
{
    static const char *const names[] = {"table", "array", "string", "integer", "float", "boolean", "date or time"};
    return names[type];
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
