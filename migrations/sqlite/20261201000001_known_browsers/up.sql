-- Browsers in which somebody signed in to an account with both factors. Each has a count of wrong passwords of its own, so
-- that a stranger's do not lock the account's person out.

CREATE TABLE known_browser (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: keyed
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    made_at BIGINT NOT NULL,              -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    failures_in_a_row INTEGER NOT NULL DEFAULT 0, -- sensitive: no
    mac BLOB NOT NULL                     -- sensitive: keyed
);
CREATE INDEX known_browser_of ON known_browser (subscriber);
CREATE INDEX known_browser_expiry ON known_browser (expires_at);
