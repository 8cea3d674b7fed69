DROP TABLE adopted_chain;
ALTER TABLE disclosure DROP COLUMN hash_key;
