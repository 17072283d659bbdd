#include "store/sqlite_peek.h"

#include <sqlite3.h>
#include <string.h>

/* "file:PATH?immutable=1": SQLite then takes no locks, makes no files beside it, and leaves a log alone that is there.
 */
static const char *uri_of(struct arena *a, const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char before[] = "file:", after[] = "?immutable=1";
    char *uri = ARENA_ARRAY(a, sizeof before + 3 * strlen(path) + sizeof after, char);
    char *p = uri;
    memcpy(p, before, sizeof before - 1);
    p += sizeof before - 1;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (c > ' ' && c < 0x7F && c != '%' && c != '?' && c != '#') {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    memcpy(p, after, sizeof after);
    return uri;
}

struct str sqlite_peek(struct arena *a, const char *path, const char *query)
{
    struct str value = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(uri_of(a, path), &db, flags, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, query, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text)
            value = str_copy(a, str_of(text));
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}
