-- A database with events from before auth chains were kept gets them at the next start (service/room_chains.h).
INSERT INTO meta (name, value)
SELECT 'auth_chains_missing', '1' WHERE EXISTS (
    SELECT 1 FROM events WHERE state_key_nid IS NOT NULL AND event_nid NOT IN (SELECT event_nid FROM auth_chains)
);
