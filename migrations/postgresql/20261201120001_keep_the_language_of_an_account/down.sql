ALTER TABLE subscriber DROP COLUMN language;
