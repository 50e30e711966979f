-- A page may be told of in a digest: its key. It waits with the digest then, and is sent when that is.
ALTER TABLE pages ADD COLUMN digest TEXT;
-- The channel that took over from this one.
ALTER TABLE pages ADD COLUMN passed_to TEXT;
CREATE INDEX pages_digest ON pages (digest);

-- What each channel's quota was spent on lately, and until when the channel rests.
CREATE TABLE channel_quotas (
    channel    TEXT   NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL
);
