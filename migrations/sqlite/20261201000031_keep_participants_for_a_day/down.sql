DROP INDEX session_participant_age;
-- The version before knows only parts that have not ended.
DELETE FROM session_participant WHERE ended_at IS NOT NULL;
ALTER TABLE session_participant DROP COLUMN ended_at;
