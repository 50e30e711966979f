-- The table of sqlite/0007_topics.sql.
CREATE TABLE incident_topics (
    topic      TEXT COLLATE "C" NOT NULL,
    incident   TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    since      BIGINT NOT NULL,
    PRIMARY KEY (topic, incident)
);
CREATE INDEX incident_topics_incident ON incident_topics (incident);
INSERT INTO incident_topics (topic, incident, since) SELECT topic, id, opened_at FROM incidents;
