-- What keeps pages back. A silence is ended and never deleted.
CREATE TABLE silences (
    n          BIGINT NOT NULL PRIMARY KEY,
    until      BIGINT NOT NULL,
    settled    BIGINT NOT NULL,   -- 1 when it is over and what it kept back was told
    body       TEXT   NOT NULL
);
CREATE INDEX silences_settled ON silences (settled, until);

-- What the engine remembers of itself from one moment to the next: whether there is a storm, which canary is out.
CREATE TABLE engine_state (
    name       TEXT   NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL
);

-- What is only practised counts in no statistics.
ALTER TABLE incidents ADD COLUMN drill BIGINT NOT NULL DEFAULT 0;
