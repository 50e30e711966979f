-- The tables of sqlite/0009_links.sql.

-- What the program made for itself and keeps: the key that links are signed with.
CREATE TABLE secrets (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value      TEXT COLLATE "C" NOT NULL
);
-- With what people sign from a group's link. By name: not everybody who signs can log in.
CREATE TABLE pins (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    pin        TEXT COLLATE "C" NOT NULL,   -- PHC string
    set_at     BIGINT NOT NULL
);
-- Wrong PINs by link, until the link ends.
CREATE TABLE link_tries (
    link       TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- SHA-256 of the token, as hex
    wrong      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
