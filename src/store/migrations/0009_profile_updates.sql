-- Users whose display name or avatar has changed, and whose rooms have not all been told: kept until they have.

CREATE TABLE profile_updates (
    user_nid BIGINT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL,         -- of the newest change: a position of the stream
    after_room BIGINT NOT NULL,     -- rooms up to this room_nid have been told of that change
    turn BIGINT NOT NULL            -- a position too: whose is the smallest comes next
) {clustered};
