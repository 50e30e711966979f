-- The tables of sqlite/0010_quiet.sql.
CREATE TABLE silences (
    n          BIGINT NOT NULL PRIMARY KEY,
    until      BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    body       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX silences_settled ON silences (settled, until);

CREATE TABLE engine_state (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body       TEXT COLLATE "C" NOT NULL
);

ALTER TABLE incidents ADD COLUMN drill BIGINT NOT NULL DEFAULT 0;
