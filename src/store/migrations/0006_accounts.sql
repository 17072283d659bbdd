-- Deactivations that have not come to their end, and how much of filters each user keeps.

-- Deactivated users who may still be in rooms, until they have left the last one.
CREATE TABLE departures (
    user_nid BIGINT PRIMARY KEY NOT NULL
) {clustered};
-- Those whose leaving was cut short before there was this table, with those who have left.
INSERT INTO departures (user_nid) SELECT user_nid FROM accounts WHERE deactivated_ts IS NOT NULL;

-- As account_data_sizes.
CREATE TABLE filter_sizes (
    user_nid BIGINT PRIMARY KEY NOT NULL,
    bytes BIGINT NOT NULL
) {clustered};
INSERT INTO filter_sizes (user_nid, bytes) SELECT user_nid, sum(length(content)) FROM filters GROUP BY user_nid;
