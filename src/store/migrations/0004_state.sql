-- Nodes of state maps (state_map.h), each stored once. Rows are only ever added, but for the offline pass that collects
-- nodes no event refers to.

CREATE TABLE state_nodes (
    node_nid {id},
    near BIGINT NOT NULL,           -- the newest event under a leaf, or minus the newest child of a branch: keeps what is
                                    -- written together together in the index, where a hash alone falls on any page
    hash {blob} NOT NULL,           -- 128 bits over `node`
    node {blob} NOT NULL,
    UNIQUE (near, hash)
);
