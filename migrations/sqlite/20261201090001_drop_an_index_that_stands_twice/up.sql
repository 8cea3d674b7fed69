-- session_participant_age is the same.
DROP INDEX session_participant_joined;
