-- Local accounts, their devices and sessions, and what users keep on the server.

CREATE TABLE accounts (
    user_nid BIGINT PRIMARY KEY NOT NULL,
    password_hash TEXT,             -- NULL: nobody logs in with a password
    is_admin BIGINT NOT NULL,
    is_guest BIGINT NOT NULL,
    created_ts BIGINT NOT NULL,
    deactivated_ts BIGINT,          -- NULL: in use
    erased BIGINT NOT NULL DEFAULT 0
) {clustered};

CREATE TABLE devices (
    device_nid {id},
    user_nid BIGINT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    created_ts BIGINT NOT NULL,
    last_seen_ts BIGINT,            -- some minutes late: devices are written together, now and then
    last_seen_ip TEXT,
    UNIQUE (user_nid, device_id)
);

-- An access token and the refresh token that was given out with it, as hashes.
CREATE TABLE tokens (
    token_nid {id},
    user_nid BIGINT NOT NULL,
    device_nid BIGINT NOT NULL,
    access_hash {blob} NOT NULL UNIQUE,
    refresh_hash {blob} UNIQUE,     -- NULL: the client does not refresh
    expires_ts BIGINT,              -- of the access token; NULL: never
    replaces_nid BIGINT             -- the row this one was refreshed from, which goes when this one is first used
);
CREATE INDEX tokens_device ON tokens (device_nid);
CREATE INDEX tokens_replaces ON tokens (replaces_nid);

CREATE TABLE profile_fields (
    user_nid BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,            -- JSON
    PRIMARY KEY (user_nid, name)
) {clustered};

CREATE TABLE account_data (
    user_nid BIGINT NOT NULL,
    room_nid BIGINT NOT NULL,       -- 0: of the account, not of a room
    type TEXT NOT NULL,
    content TEXT NOT NULL,          -- a JSON object
    pos BIGINT NOT NULL,
    PRIMARY KEY (user_nid, room_nid, type)
) {clustered};
CREATE INDEX account_data_pos ON account_data (user_nid, pos);

-- How much of it each user has, so that a limit costs no sum.
CREATE TABLE account_data_sizes (
    user_nid BIGINT PRIMARY KEY NOT NULL,
    bytes BIGINT NOT NULL
) {clustered};

CREATE TABLE filters (
    filter_nid {id},
    user_nid BIGINT NOT NULL,
    content_hash {blob} NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (user_nid, content_hash)
);

CREATE TABLE registration_tokens (
    token TEXT PRIMARY KEY NOT NULL,
    uses_allowed BIGINT,            -- NULL: any number
    completed BIGINT NOT NULL DEFAULT 0,
    created_ts BIGINT NOT NULL,
    expires_ts BIGINT               -- NULL: never
) {clustered};
