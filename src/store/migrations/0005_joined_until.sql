-- Where each user's time in a room ended, so that what they may see of it needs no search through their memberships.

-- Of who is not joined: the position of the event by which they last ceased to be; 0 for who never was.
ALTER TABLE memberships ADD COLUMN joined_until BIGINT NOT NULL DEFAULT 0;

-- From the events themselves, back from the newest membership. Only SQLite has databases from before.
{sqlite}UPDATE memberships SET joined_until = coalesce((
{sqlite}    WITH RECURSIVE past (event_nid, pos, replaces_nid) AS (
{sqlite}        SELECT e.event_nid, e.pos, e.replaces_nid FROM events AS e WHERE e.event_nid = memberships.event_nid
{sqlite}        UNION ALL
{sqlite}        SELECT e.event_nid, e.pos, e.replaces_nid FROM past JOIN events AS e ON e.event_nid = past.replaces_nid)
{sqlite}    SELECT max(past.pos) FROM past JOIN events AS e ON e.event_nid = past.replaces_nid
{sqlite}    WHERE json_extract(e.pdu, '$.content.membership') = 'join'), 0)
{sqlite}WHERE membership <> 'join';
