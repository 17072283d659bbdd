-- What the newest event of a room's timeline does not say of its current state; most rooms have no row.
CREATE TABLE room_states (
    room_nid BIGINT PRIMARY KEY NOT NULL,
    pos BIGINT NOT NULL,            -- from this position on the state is state_root, until an event comes after it
    state_root BIGINT NOT NULL,     -- 0: nothing is said
    folded_root BIGINT NOT NULL     -- resolved state of forward extremities that were too many to keep; 0: none
) {clustered};
