/*
 * Identifiers: user ids, room ids, aliases, event ids, server names (appendices, "Identifier Grammar").
 *
 * Pure functions over slices; an empty slice or one with p == NULL is never valid. Lengths are bytes. Slices are taken
 * to be valid UTF-8, as whatever the JSON parser or the router hands out is; a NUL byte is refused everywhere.
 *
 * Threads: any.
 */
#ifndef HEARTH_MATRIX_ID_H
#define HEARTH_MATRIX_ID_H

#include "base/arena.h"
#include "base/str.h"

#define ID_MAX 255 /* bytes, sigil and server name included */

/* Server names: hostname, IPv4 or [IPv6], optional port of 1-5 digits. Follows the grammar to the letter: a name of
 * only digits and dots that is no IPv4 address is a DNS name, and a port may be over 65535; who connects looks again.
 */
bool server_name_valid(struct str name);

/* Splits "@localpart:server"; false if the sigil, the colon or the server name is missing or wrong, or over 255 bytes.
 * Localparts are accepted as historical user ids allow (any Unicode but ':' and NUL; also none at all). */
bool user_id_split(struct str user_id, struct str *localpart_out, struct str *server_out);
bool user_id_valid(struct str user_id);
/* The grammar for new localparts: [a-z0-9._=/+-]+ . The length is bounded with the server name, by user_id_valid(). */
bool user_localpart_valid(struct str localpart);
/* The server name of a user id, room alias, (before v12) room id or (before v3) event id: what follows the first colon;
 * empty if none. The name is not checked. */
struct str id_server(struct str id);
/* "#localpart:server". */
bool room_alias_valid(struct str alias);
/* "!opaque:server", or "!" + 43 characters of URL-safe base64. */
bool room_id_valid(struct str room_id);
/* "$" and anything, as event ids are opaque and old ones had domains. */
bool event_id_valid(struct str event_id);
/* "$opaque:server", the event ids of room versions 1 and 2. */
bool event_id_with_server_valid(struct str event_id);
/* Opaque identifiers: 1-255 of [A-Za-z0-9._~-]. */
bool opaque_id_valid(struct str id);
/* "ed25519:abc": algorithm of [a-z0-9_]+, colon, [a-zA-Z0-9_]+ . */
bool key_id_valid(struct str key_id);
/* "mxc://server/media-id"; the media id is of [A-Za-z0-9_-]+, at most 255 bytes. */
bool mxc_uri_valid(struct str uri);

/* "@localpart:server" in the arena; whether it is valid is not checked. */
struct str user_id_make(struct arena *a, struct str localpart, struct str server);

#endif
