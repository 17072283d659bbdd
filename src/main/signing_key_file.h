/*
 * The file with the key that signs events, in Synapse's form: "ed25519 a_AbCd <32 bytes of seed in base64>".
 *
 * Several lines may hold several keys, as Synapse allows; the first one signs. Losing the file means that other servers
 * take this one for an impostor until its old key has expired with them, so it is never replaced, and only made where
 * nothing has been signed yet.
 *
 * Threads: any; the functions block on the disk.
 */
#ifndef HEARTH_MAIN_SIGNING_KEY_FILE_H
#define HEARTH_MAIN_SIGNING_KEY_FILE_H

#include "base/arena.h"
#include "matrix/event_sign.h"

enum signing_key_file_result {
    SIGNING_KEY_FILE_OK,
    SIGNING_KEY_FILE_MISSING,
    SIGNING_KEY_FILE_UNREADABLE, /* permissions, the disk */
    SIGNING_KEY_FILE_MALFORMED
};

/* Reads the first key; its strings are put into `a`, and nothing of the seed. Warns in the log if others can read it.
 * server_name is not set. *complaint_out is for people, set on failure, in `a`. */
enum signing_key_file_result signing_key_file_read(struct arena *a, struct str path, struct signing_key *key_out,
                                                   struct str *complaint_out) __attribute__((warn_unused_result));
/* Makes a new key and its file, readable by its owner only; fails if the file is there. */
enum signing_key_file_result signing_key_file_create(struct arena *a, struct str path, struct signing_key *key_out,
                                                     struct str *complaint_out) __attribute__((warn_unused_result));

#endif
