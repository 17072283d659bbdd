-- What every later part stands on: facts about the database itself, and the numbers of user ids.
-- store/migrations.h says what {id} and {clustered} stand for.

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL, -- 'server_name', 'pos_reserved', 'signing_key', 'old_signing_key ...'
    value TEXT NOT NULL
) {clustered};

-- Every user id this server has met, local or not.
CREATE TABLE users (
    user_nid {id},
    user_id TEXT NOT NULL UNIQUE
);
