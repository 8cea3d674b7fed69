-- Who takes part in a session is kept beyond its end, until each service has ended its part, a day at most.

ALTER TABLE session_participant ADD COLUMN ended_at BIGINT; -- sensitive: no
CREATE INDEX session_participant_age ON session_participant (joined_at);
