-- The tables of sqlite/0005_channels.sql.
ALTER TABLE pages ADD COLUMN digest TEXT COLLATE "C";
ALTER TABLE pages ADD COLUMN passed_to TEXT COLLATE "C";
CREATE INDEX pages_digest ON pages (digest);

CREATE TABLE channel_quotas (
    channel    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body       TEXT COLLATE "C" NOT NULL
);
