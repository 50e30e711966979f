-- The duty roster: what people changed of it, what they handed over, what was told of it, and who reads it in a calendar.

-- Changes are withdrawn and never deleted.
CREATE TABLE roster_changes (
    roster     TEXT   NOT NULL,   -- the id of a [[duty]], which may have gone from the config
    n          BIGINT NOT NULL,   -- from 1, in the order in which they take effect
    until      BIGINT NOT NULL,   -- when the last of its time ends
    body       TEXT   NOT NULL,
    PRIMARY KEY (roster, n)
);
CREATE INDEX roster_changes_until ON roster_changes (until);

CREATE TABLE roster_handovers (
    roster     TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,   -- when the turn ends that is handed over
    body       TEXT   NOT NULL,
    PRIMARY KEY (roster, n)
);
CREATE INDEX roster_handovers_at ON roster_handovers (at);

-- What was told, so that it is told once.
CREATE TABLE roster_told (
    key        TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL
);
CREATE INDEX roster_told_at ON roster_told (at);

-- Secret addresses for calendar apps: of each the hash alone, and one for each person.
CREATE TABLE calendar_feeds (
    owner      TEXT   NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE,
    whose      TEXT   NOT NULL,   -- mine, or all
    created_at BIGINT NOT NULL
);
