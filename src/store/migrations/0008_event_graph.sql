-- Histories that are not straight: events without a place in the timeline, history that arrives later, forks.

-- An event has its place in the room's timeline at (pos, sub): sub is 0 for an event that came at the end, and below 0 for
-- history that was fetched later, in front of the event at pos. An event without a place has minus its number as pos.
ALTER TABLE events ADD COLUMN sub BIGINT NOT NULL DEFAULT 0;
-- 0: accepted; 1: rejected; 2: soft-failed; 3: outlier (its own state is not known).
ALTER TABLE events ADD COLUMN status BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN reason TEXT;          -- the rule that rejected it or made it fail softly
-- Root of the room's current state once this event was in, where that is not state_after because the room had forked.
ALTER TABLE events ADD COLUMN room_state BIGINT;
-- 1: some of its prev_events are not known, so that history is missing in front of it.
ALTER TABLE events ADD COLUMN gap BIGINT NOT NULL DEFAULT 0;

DROP INDEX events_timeline;
CREATE UNIQUE INDEX events_timeline ON events (room_nid, pos, sub);

-- The forward extremities of rooms that have more than one: all others have the newest event of their timeline.
CREATE TABLE forward_extremities (
    room_nid BIGINT NOT NULL,
    event_nid BIGINT NOT NULL,
    PRIMARY KEY (room_nid, event_nid)
) {clustered};

-- Events that others name and that are not here: a backward extremity, the target of a redaction or of a relation.
CREATE TABLE awaited_events (
    event_id TEXT NOT NULL,
    why BIGINT NOT NULL,            -- 1: prev event; 2: redaction; 3: relation
    event_nid BIGINT NOT NULL,      -- who names it
    room_nid BIGINT NOT NULL,
    PRIMARY KEY (event_id, why, event_nid)
) {clustered};
CREATE INDEX awaited_events_by ON awaited_events (event_nid);
