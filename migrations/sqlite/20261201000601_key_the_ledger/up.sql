-- Which root key the hash of a record was made with; empty for records of versions that had no key.
ALTER TABLE disclosure ADD COLUMN hash_key BIGINT; -- sensitive: no

-- The end of what a chain held when records came to be keyed. A chain without such a row has keyed records only.
CREATE TABLE adopted_chain (
    chain BLOB NOT NULL PRIMARY KEY,      -- sensitive: no
    seq BIGINT NOT NULL,                  -- sensitive: no
    hash BLOB NOT NULL,                   -- sensitive: no
    mac BLOB NOT NULL                     -- sensitive: keyed
);
