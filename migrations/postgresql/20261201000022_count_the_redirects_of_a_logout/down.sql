ALTER TABLE logout DROP COLUMN redirects;
