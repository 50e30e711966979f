-- Only what SQLite and PostgreSQL both understand: TEXT, BIGINT and DOUBLE PRECISION, times as epoch milliseconds, JSON in TEXT.

-- One matter each. `body` and `matter` are the truth; the other columns are what is searched by.
CREATE TABLE incidents (
    id         TEXT   NOT NULL PRIMARY KEY,
    topic      TEXT   NOT NULL,
    open       BIGINT NOT NULL,
    opened_at  BIGINT NOT NULL,
    due_at     BIGINT,            -- when the escalation is due; none once somebody has signed or it is done
    seq        BIGINT NOT NULL,   -- number of the last event
    revision   BIGINT NOT NULL,   -- rises with every write: guards against two writers
    body       TEXT   NOT NULL,
    matter     TEXT   NOT NULL
);
CREATE INDEX incidents_topic ON incidents (topic, opened_at);
CREATE INDEX incidents_open ON incidents (open, opened_at);
CREATE INDEX incidents_due ON incidents (due_at);

CREATE TABLE events (
    incident   TEXT   NOT NULL REFERENCES incidents (id),
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    PRIMARY KEY (incident, seq)
);

-- The outbox: written down before it is sent, marked after the channel said success.
CREATE TABLE pages (
    key        TEXT   NOT NULL PRIMARY KEY,
    incident   TEXT   NOT NULL REFERENCES incidents (id),
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
CREATE INDEX pages_pending ON pages (state, channel, urgency, created_at);
CREATE INDEX pages_incident ON pages (incident, created_at);

-- Records of the topic `incidents` that are not appended yet.
CREATE TABLE feed (
    position   BIGINT NOT NULL PRIMARY KEY,
    incident   TEXT   NOT NULL,
    record     TEXT   NOT NULL
);

-- Where this stage stands in the topics that it reads.
CREATE TABLE positions (
    topic      TEXT   NOT NULL,
    part       BIGINT NOT NULL,
    cluster    TEXT   NOT NULL,
    topic_id   TEXT   NOT NULL,
    next       BIGINT NOT NULL,
    PRIMARY KEY (topic, part)
);

CREATE TABLE users (
    name       TEXT   NOT NULL PRIMARY KEY,
    role       TEXT   NOT NULL,
    password   TEXT   NOT NULL,   -- PHC string
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    hash       TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL REFERENCES users (name),
    expires_at BIGINT NOT NULL
);

CREATE TABLE audit (
    id         TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    detail     TEXT   NOT NULL
);
CREATE INDEX audit_at ON audit (at);
