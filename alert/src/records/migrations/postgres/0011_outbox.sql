-- The outbox is looked at after every message: what waits is found without reading what was sent long ago, or the messages themselves.
-- Most pages are in no digest: an index of all digests would be believed to find those few.
DROP INDEX pages_pending;
DROP INDEX pages_digest;
CREATE INDEX pages_waiting ON pages (channel, urgency, created_at, key, next_at, attempts) WHERE state = 'pending' AND digest IS NULL;
CREATE INDEX pages_unsent ON pages (created_at, digest, next_at) WHERE state = 'pending';
CREATE INDEX pages_digest ON pages (digest) WHERE digest IS NOT NULL;
CREATE INDEX pages_written ON pages (created_at);
CREATE INDEX pages_sent ON pages (sent_at) WHERE sent_at IS NOT NULL;
