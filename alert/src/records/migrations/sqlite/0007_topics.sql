-- The topics that belong to an incident: the one that founded it and those that joined. The youngest row of a topic says where its pulses go.
CREATE TABLE incident_topics (
    topic      TEXT   NOT NULL,
    incident   TEXT   NOT NULL REFERENCES incidents (id),
    since      BIGINT NOT NULL,
    PRIMARY KEY (topic, incident)
);
CREATE INDEX incident_topics_incident ON incident_topics (incident);
INSERT INTO incident_topics (topic, incident, since) SELECT topic, id, opened_at FROM incidents;
