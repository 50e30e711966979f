-- The table of sqlite/0004_searches.sql.
CREATE TABLE searches (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    query      TEXT COLLATE "C" NOT NULL,
    shared     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX searches_owner ON searches (owner, name);
CREATE INDEX searches_shared ON searches (shared, name);
