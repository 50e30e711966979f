-- Who is active. Of several processes over one database the one whose epoch stands here may write; whoever takes over raises it.
CREATE TABLE lease (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch      BIGINT NOT NULL,   -- 0: nobody yet
    holder     TEXT COLLATE "C" NOT NULL,   -- empty once it was given back
    ends_at    BIGINT NOT NULL    -- by the database's own clock
);
INSERT INTO lease (name, epoch, holder, ends_at) VALUES ('alert', 0, '', 0);
