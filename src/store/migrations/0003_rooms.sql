-- Rooms, their events, and who is in them.

CREATE TABLE rooms (
    room_nid {id},
    room_id TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL
);

-- The pairs (type, state_key) that state maps are keyed by, numbered. Both are strangers' strings and may hold NUL, which
-- PostgreSQL does not take as text.
CREATE TABLE state_keys (
    state_key_nid {id},
    type {blob} NOT NULL,
    state_key {blob} NOT NULL,
    UNIQUE (type, state_key)
);

-- A PDU as it was signed, but without event_id. Rows are only ever added at the end; a redaction rewrites `pdu`.
CREATE TABLE events (
    event_nid {id},                 -- a position of the stream; of an event with a place in a timeline, its pos
    event_id TEXT NOT NULL UNIQUE,
    room_nid BIGINT NOT NULL,
    pos BIGINT NOT NULL,            -- place in the stream and in the room's timeline
    sender_nid BIGINT NOT NULL,
    state_key_nid BIGINT,           -- NULL: not a state event
    state_before BIGINT NOT NULL,   -- root of the state map before the event
    state_after BIGINT NOT NULL,    -- and after it
    replaces_nid BIGINT,            -- the state event that this one replaces
    redacted_by_nid BIGINT,         -- the redaction that was applied to it
    device_nid BIGINT,              -- the local device that sent it, with its transaction id
    txn_id TEXT,
    notify_count BIGINT NOT NULL,   -- events of the room, up to and with this one, that notify by the default push rules
    highlight_count BIGINT NOT NULL,-- and those that highlight everybody
    pdu TEXT NOT NULL
);
CREATE UNIQUE INDEX events_timeline ON events (room_nid, pos);
CREATE INDEX events_txn ON events (device_nid, txn_id) WHERE device_nid IS NOT NULL;

-- The membership of each user in each room, as the newest state has it.
CREATE TABLE memberships (
    user_nid BIGINT NOT NULL,
    room_nid BIGINT NOT NULL,
    membership TEXT NOT NULL,       -- join, invite, knock, leave, ban
    event_nid BIGINT NOT NULL,
    pos BIGINT NOT NULL,            -- of that event
    forgotten BIGINT NOT NULL DEFAULT 0,
    -- Up to where the user has read (by receipt, by sending or by joining), with the room's totals at that place:
    -- unread is the difference to the newest totals.
    read_pos BIGINT NOT NULL DEFAULT 0,
    read_notify BIGINT NOT NULL DEFAULT 0,
    read_highlight BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_nid, room_nid)
) {clustered};
CREATE INDEX memberships_room ON memberships (room_nid, membership, pos);

-- Events whose push outcome for one user is not the default one (mentions, rules of that user's own).
CREATE TABLE event_pushes (
    user_nid BIGINT NOT NULL,
    room_nid BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    notify_delta BIGINT NOT NULL,
    highlight_delta BIGINT NOT NULL,
    PRIMARY KEY (user_nid, room_nid, pos)
) {clustered};

CREATE TABLE receipts (
    room_nid BIGINT NOT NULL,
    user_nid BIGINT NOT NULL,
    type TEXT NOT NULL,             -- m.read, m.read.private
    thread_id TEXT NOT NULL,        -- '' for an unthreaded receipt
    event_nid BIGINT NOT NULL,
    event_pos BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    pos BIGINT NOT NULL,
    PRIMARY KEY (room_nid, user_nid, type, thread_id)
) {clustered};
CREATE INDEX receipts_pos ON receipts (room_nid, pos);

CREATE TABLE room_aliases (
    alias TEXT PRIMARY KEY NOT NULL,
    room_nid BIGINT NOT NULL,
    creator_nid BIGINT NOT NULL
) {clustered};
CREATE INDEX room_aliases_room ON room_aliases (room_nid);
