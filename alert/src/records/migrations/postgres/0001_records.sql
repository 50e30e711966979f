-- The tables of sqlite/0001_records.sql. Text is compared byte by byte (COLLATE "C"), as SQLite does: ids and names sort the same on
-- every server, and `id LIKE '20261124-%'` finds its way by the index.

-- One matter each. `body` and `matter` are the truth; the other columns are what is searched by.
CREATE TABLE incidents (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    topic      TEXT COLLATE "C" NOT NULL,
    open       BIGINT NOT NULL,
    opened_at  BIGINT NOT NULL,
    due_at     BIGINT,            -- when the escalation is due; none once somebody has signed or it is done
    seq        BIGINT NOT NULL,   -- number of the last event
    revision   BIGINT NOT NULL,   -- rises with every write: guards against two writers
    body       TEXT COLLATE "C" NOT NULL,
    matter     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX incidents_topic ON incidents (topic, opened_at);
CREATE INDEX incidents_open ON incidents (open, opened_at);
CREATE INDEX incidents_due ON incidents (due_at);

CREATE TABLE events (
    incident   TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    who        TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    text       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (incident, seq)
);

-- The outbox: written down before it is sent, marked after the channel said success.
CREATE TABLE pages (
    key        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    incident   TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    channel    TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    urgency    BIGINT NOT NULL,   -- 1 for red, 4 for blue
    body       TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    sent_at    BIGINT
);
CREATE INDEX pages_pending ON pages (state, channel, urgency, created_at);
CREATE INDEX pages_incident ON pages (incident, created_at);

-- Records of the topic `incidents` that are not appended yet.
CREATE TABLE feed (
    position   BIGINT NOT NULL PRIMARY KEY,
    incident   TEXT COLLATE "C" NOT NULL,
    record     TEXT COLLATE "C" NOT NULL
);

-- Where this stage stands in the topics that it reads.
CREATE TABLE positions (
    topic      TEXT COLLATE "C" NOT NULL,
    part       BIGINT NOT NULL,
    cluster    TEXT COLLATE "C" NOT NULL,
    topic_id   TEXT COLLATE "C" NOT NULL,
    next       BIGINT NOT NULL,
    PRIMARY KEY (topic, part)
);

CREATE TABLE users (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role       TEXT COLLATE "C" NOT NULL,
    password   TEXT COLLATE "C" NOT NULL,   -- PHC string
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL REFERENCES users (name),
    expires_at BIGINT NOT NULL
);

CREATE TABLE audit (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    object     TEXT COLLATE "C" NOT NULL,
    detail     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_at ON audit (at);
