-- How a source stands that is in trouble: what the next report and the time are judged by. A source that is well has no row.
CREATE TABLE source_standings (
    source     TEXT   NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL
);

-- One trouble of one source that somebody was told of.
CREATE TABLE source_alerts (
    id          TEXT   NOT NULL PRIMARY KEY,
    message     TEXT   NOT NULL,   -- the id of the first alert of the message that told of it
    kind        TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    alerted_at  BIGINT NOT NULL,
    resolved_at BIGINT,
    changed_at  BIGINT NOT NULL,
    reason      TEXT   NOT NULL
);
CREATE INDEX source_alerts_open ON source_alerts (resolved_at, alerted_at);
CREATE INDEX source_alerts_message ON source_alerts (message);
CREATE INDEX source_alerts_changed ON source_alerts (changed_at);

-- A page may now tell of sources: it is of no incident then. SQLite changes no column, so the table is made anew.
CREATE TABLE pages_new (
    key        TEXT   NOT NULL PRIMARY KEY,
    incident   TEXT   REFERENCES incidents (id),
    channel    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    urgency    BIGINT NOT NULL,   -- 1 for red, 4 for blue
    body       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    sent_at    BIGINT
);
INSERT INTO pages_new SELECT key, incident, channel, reason, urgency, body, state, attempts, last_error, created_at, next_at, sent_at
FROM pages;
DROP TABLE pages;
ALTER TABLE pages_new RENAME TO pages;
CREATE INDEX pages_pending ON pages (state, channel, urgency, created_at);
CREATE INDEX pages_incident ON pages (incident, created_at);
