-- How many redirects the browser of a logout has followed since it last showed a page of ours.

ALTER TABLE logout ADD COLUMN redirects INTEGER NOT NULL DEFAULT 0; -- sensitive: no
