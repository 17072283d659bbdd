/*
 * JSON: strict parsing into a tree in an arena, and writing.
 *
 *     struct json_result r = json_parse(arena, body, JSON_DEPTH_MAX);
 *     if (r.error) ... r.error says what, r.offset where ...
 *     struct str name = json_str_at(r.value, STR("room_alias_name"));
 *
 * What is special about it:
 *   - Objects are always sorted by key (bytes, which is code-point order) and never hold a key twice: a second one is a
 *     parse error. Lookup is a binary search, equality is a walk, and writing a tree gives canonical JSON as it is.
 *   - Integers within +-(2^53-1) are JSON_INT. Every other number (fraction, exponent, larger, "-0") is JSON_FLOAT and
 *     keeps the text it was written with, so that client data goes out as it came in. Canonical JSON refuses those.
 *   - Strings are slices: into the source text where nothing was escaped, into the arena otherwise. The source must
 *     live as long as the tree. Invalid UTF-8 and lone surrogates are parse errors.
 *   - Nesting deeper than the given limit is a parse error; nothing recurses deeper than that.
 *   - Trees are values that nobody changes, once built; sharing parts between trees is fine within one arena.
 *
 * Building: json_object(a) and json_array(a) give empty containers that json_set() and json_push() fill; json_set
 * keeps the order. To write large answers without a tree, see codec/json_writer.h.
 *
 * Threads: a tree that nobody changes may be read by any.
 */
#ifndef HEARTH_CODEC_JSON_H
#define HEARTH_CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define JSON_DEPTH_MAX 200
#define JSON_INT_MAX   INT64_C(9007199254740991)

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_FLOAT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member;

struct json {
    enum json_type type;
    uint32_t count; /* items or members */
    uint32_t cap;   /* of a container under construction */
    union {
        bool b;
        int64_t i;
        struct str s; /* JSON_STRING: unescaped; JSON_FLOAT: the number's text */
        struct json *items;
        struct json_member *members;
    };
};

struct json_member {
    struct str key;
    struct json value;
};

struct json_result {
    const struct json *value; /* NULL on error */
    const char *error;        /* constant text, NULL on success */
    size_t offset;            /* byte of the source at which it was found */
};

/* Parses the whole of `text` (white space around the value is allowed). At most `max_depth` nested containers. */
struct json_result json_parse(struct arena *a, struct str text, unsigned max_depth);

/* --- reading: each accepts NULL and a value of another type, and then answers with "nothing" --- */

/* The member's value, or NULL if absent or if `object` is not an object. */
const struct json *json_get(const struct json *object, struct str key);
bool json_is(const struct json *v, enum json_type type);
/* The member's string, or an empty slice with p == NULL if absent or no string. */
struct str json_str_at(const struct json *object, struct str key);
/* True and *out set if the member is a JSON_INT. */
bool json_int_at(const struct json *object, struct str key, int64_t *out);
/* The member's boolean, or `otherwise` if absent or no boolean. */
bool json_bool_at(const struct json *object, struct str key, bool otherwise);
/* True and *out set if `v` is a JSON_INT or a JSON_FLOAT that a double can hold. */
bool json_number(const struct json *v, double *out);
bool json_eq(const struct json *a, const struct json *b);

/* --- building --- */

struct json json_null(void);
struct json json_bool(bool b);
struct json json_int(int64_t i); /* asserts the range of JSON_INT */
struct json json_string(struct str s);
struct json *json_object(struct arena *a);
struct json *json_array(struct arena *a);
/* Adds the member, or replaces the one with that key. `key` and what `value` points to must live as long. */
void json_set(struct arena *a, struct json *object, struct str key, struct json value);
void json_set_str(struct arena *a, struct json *object, struct str key, struct str value);
void json_set_int(struct arena *a, struct json *object, struct str key, int64_t value);
/* The member's value, for changing it where it stands while the tree is being built; NULL if it is absent. Valid until
 * the object gets another member. What was put in whole from another tree is shared with it and must not be changed. */
struct json *json_edit(struct json *object, struct str key);
/* Removes the member if it is there. */
void json_unset(struct json *object, struct str key);
void json_push(struct arena *a, struct json *array, struct json value);
/* A container with the same members or items, which may be changed without changing `v` (one level deep). */
struct json *json_shallow_copy(struct arena *a, const struct json *v);
/* A copy that shares nothing with `v`: strings too are copied into the arena. */
struct json *json_deep_copy(struct arena *a, const struct json *v);

/* --- writing --- */

/* Appends `v` without white space. A tree without JSON_FLOAT comes out as canonical JSON (appendices, "Canonical
 * JSON"). */
void json_write(struct buf *out, const struct json *v);
/* Appends `s` as a JSON string with its quotes. */
void json_write_string(struct buf *out, struct str s);
/* The same text, in the arena. */
struct str json_text(struct arena *a, const struct json *v);
/* False if the tree holds a JSON_FLOAT, which canonical JSON cannot express. */
bool json_is_canonical(const struct json *v);
/* The tree with every JSON_FLOAT that is an integer in other words (-0, 1e10, 2.00) as that JSON_INT, for objects that
 * others signed (appendices, "Canonical JSON", last example). NULL if a number has a fraction or is out of range. What
 * needs no change is shared with `v`. */
const struct json *json_canonical(struct arena *a, const struct json *v);

#endif
