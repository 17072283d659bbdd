-- How often the head of a room has moved: what was built on an older head is known by it, whichever process built it.
ALTER TABLE rooms ADD COLUMN head_version BIGINT NOT NULL DEFAULT 0;
{postgresql}ALTER TABLE rooms SET (fillfactor = 60);
