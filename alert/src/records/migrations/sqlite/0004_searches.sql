-- Searches that somebody keeps under a name: the address of the search page, with its query, filters and order.
CREATE TABLE searches (
    id         TEXT   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,   -- who keeps it; a program's token may, so it need not be a user
    name       TEXT   NOT NULL,
    query      TEXT   NOT NULL,   -- what stands behind the `?` of the page's address
    shared     BIGINT NOT NULL,   -- 1 when others may see it
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX searches_owner ON searches (owner, name);
CREATE INDEX searches_shared ON searches (shared, name);
