-- The tables of sqlite/0008_roster.sql.
CREATE TABLE roster_changes (
    roster     TEXT COLLATE "C" NOT NULL,
    n          BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    body       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (roster, n)
);
CREATE INDEX roster_changes_until ON roster_changes (until);

CREATE TABLE roster_handovers (
    roster     TEXT COLLATE "C" NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    body       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (roster, n)
);
CREATE INDEX roster_handovers_at ON roster_handovers (at);

CREATE TABLE roster_told (
    key        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL
);
CREATE INDEX roster_told_at ON roster_told (at);

CREATE TABLE calendar_feeds (
    owner      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash       TEXT COLLATE "C" NOT NULL UNIQUE,
    whose      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
