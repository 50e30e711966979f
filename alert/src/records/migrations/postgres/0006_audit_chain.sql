-- Each entry of the audit record bears the hash of the one before: whoever changes, leaves out or slips in one breaks the chain.
CREATE TABLE audit_chain (
    seq        BIGINT NOT NULL PRIMARY KEY,   -- from 1, without a gap
    id         TEXT   NOT NULL UNIQUE,        -- of the entry
    hash       TEXT   NOT NULL                -- SHA-256 of the hash before and of the entry, as hex
);
-- The chain's end: locked by whoever adds to it.
CREATE TABLE audit_head (
    name       TEXT   NOT NULL PRIMARY KEY,
    seq        BIGINT NOT NULL,
    hash       TEXT   NOT NULL
);
INSERT INTO audit_head (name, seq, hash) VALUES ('audit', 0, '');
CREATE FUNCTION audit_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit record is never changed nor shortened';
END
$$;
CREATE TRIGGER audit_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stands();
CREATE TRIGGER audit_chain_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_stands();
