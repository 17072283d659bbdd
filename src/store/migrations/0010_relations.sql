-- Relations between events of a room (relations.h): each event of the timeline that relates to another one has a row.

-- Of what kinds others have come to be related to this event, 1 << kind each; a kind stays if all of them are redacted.
ALTER TABLE events ADD COLUMN related BIGINT NOT NULL DEFAULT 0;

CREATE TABLE relations (
    parent_nid BIGINT NOT NULL,
    pos BIGINT NOT NULL,            -- the child's place in the timeline
    sub BIGINT NOT NULL,
    event_nid BIGINT NOT NULL,      -- the child
    sender_nid BIGINT NOT NULL,
    kind BIGINT NOT NULL,           -- 1: m.replace; 2: m.thread; 3: m.reference; 4: m.annotation; 5: rel_type says it
    rel_type TEXT,
    type TEXT NOT NULL,             -- of the child
    edit_ts BIGINT,                 -- of a valid replacement: its origin_server_ts
    edit_id TEXT,                   -- and its event_id, which decides where the times are the same
    annotation {blob},              -- of an annotation: SHA-256 of its type, NUL, key
    PRIMARY KEY (parent_nid, kind, pos, sub)
) {clustered};
CREATE INDEX relations_place ON relations (parent_nid, pos, sub);
CREATE INDEX relations_sender ON relations (parent_nid, sender_nid, kind, annotation);
CREATE INDEX relations_edits ON relations (parent_nid, edit_ts, edit_id) WHERE edit_id IS NOT NULL;

-- Threads by what is newest in them.
CREATE TABLE threads (
    root_nid BIGINT PRIMARY KEY NOT NULL,
    room_nid BIGINT NOT NULL,
    events BIGINT NOT NULL,         -- how many there are, without the root
    last_pos BIGINT NOT NULL,       -- place of the newest of them
    last_sub BIGINT NOT NULL
) {clustered};
CREATE INDEX threads_newest ON threads (room_nid, last_pos, last_sub);

-- Relations of the events that are here already. Only SQLite has databases from before. Keys of annotations are left
-- out: SQLite has no SHA-256.
{sqlite}INSERT INTO relations (parent_nid, pos, sub, event_nid, sender_nid, kind, rel_type, type, edit_ts, edit_id)
{sqlite}    SELECT parent_nid, pos, sub, event_nid, sender_nid, kind, CASE WHEN kind = 5 THEN rel_type END, type,
{sqlite}        CASE WHEN edit THEN ts END, CASE WHEN edit THEN event_id END
{sqlite}    FROM (SELECT p.event_nid AS parent_nid, c.pos, c.sub, c.event_nid, c.sender_nid, c.event_id,
{sqlite}            json_extract(c.pdu, '$.origin_server_ts') AS ts, json_extract(c.pdu, '$.type') AS type, c.rel_type,
{sqlite}            CASE c.rel_type WHEN 'm.replace' THEN 1 WHEN 'm.thread' THEN 2 WHEN 'm.reference' THEN 3
{sqlite}                WHEN 'm.annotation' THEN 4 ELSE 5 END AS kind,
{sqlite}            (c.rel_type = 'm.replace' AND c.sender_nid = p.sender_nid AND c.state_key_nid IS NULL
{sqlite}                AND p.state_key_nid IS NULL
{sqlite}                AND coalesce(json_extract(p.pdu, '$.content."m.relates_to".rel_type'), '') <> 'm.replace'
{sqlite}                AND json_extract(c.pdu, '$.type') = json_extract(p.pdu, '$.type')
{sqlite}                AND (json_type(c.pdu, '$.content."m.new_content"') = 'object'
{sqlite}                    OR json_extract(c.pdu, '$.type') = 'm.room.encrypted')) AS edit
{sqlite}        FROM (SELECT *, json_extract(pdu, '$.content."m.relates_to".rel_type') AS rel_type FROM events
{sqlite}            WHERE pos > 0 AND redacted_by_nid IS NULL
{sqlite}                AND json_type(pdu, '$.content."m.relates_to".rel_type') = 'text'
{sqlite}                AND json_type(pdu, '$.content."m.relates_to".event_id') = 'text') AS c
{sqlite}        JOIN events AS p ON p.event_id = json_extract(c.pdu, '$.content."m.relates_to".event_id')
{sqlite}            AND p.room_nid = c.room_nid AND p.event_nid <> c.event_nid
{sqlite}        WHERE length(CAST(c.rel_type AS BLOB)) BETWEEN 1 AND 255);
{sqlite}UPDATE events SET related = (SELECT sum(bit) FROM (SELECT DISTINCT 1 << kind AS bit FROM relations
{sqlite}    WHERE parent_nid = events.event_nid)) WHERE event_nid IN (SELECT parent_nid FROM relations);
{sqlite}INSERT INTO threads (root_nid, room_nid, events, last_pos, last_sub)
{sqlite}    SELECT r.parent_nid, p.room_nid, count(*), max(r.pos), 0 FROM relations AS r
{sqlite}    JOIN events AS p ON p.event_nid = r.parent_nid WHERE r.kind = 2 GROUP BY r.parent_nid, p.room_nid;
