-- The tables of sqlite/0003_source_alerts.sql.

-- How a source stands that is in trouble: what the next report and the time are judged by. A source that is well has no row.
CREATE TABLE source_standings (
    source     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body       TEXT COLLATE "C" NOT NULL
);

-- One trouble of one source that somebody was told of.
CREATE TABLE source_alerts (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    message     TEXT COLLATE "C" NOT NULL,   -- the id of the first alert of the message that told of it
    kind        TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    since       BIGINT NOT NULL,
    alerted_at  BIGINT NOT NULL,
    resolved_at BIGINT,
    changed_at  BIGINT NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL
);
CREATE INDEX source_alerts_open ON source_alerts (resolved_at, alerted_at);
CREATE INDEX source_alerts_message ON source_alerts (message);
CREATE INDEX source_alerts_changed ON source_alerts (changed_at);

-- A page may now tell of sources: it is of no incident then.
ALTER TABLE pages ALTER COLUMN incident DROP NOT NULL;
