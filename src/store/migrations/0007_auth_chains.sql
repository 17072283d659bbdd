-- The index over auth chains (auth_chains.h): each state event has a place in one chain of events, of which each has the
-- one before it in its auth chain; links say what else is in the auth chain.

CREATE TABLE auth_chains (
    event_nid BIGINT PRIMARY KEY NOT NULL,
    chain_nid BIGINT NOT NULL,      -- the number of its first event
    seq BIGINT NOT NULL             -- 1 for the first
) {clustered};
CREATE UNIQUE INDEX auth_chains_place ON auth_chains (chain_nid, seq);

CREATE TABLE auth_links (
    chain_nid BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    to_chain_nid BIGINT NOT NULL,
    to_seq BIGINT NOT NULL,
    PRIMARY KEY (chain_nid, seq, to_chain_nid)
) {clustered};
CREATE INDEX auth_links_to ON auth_links (to_chain_nid, to_seq);
