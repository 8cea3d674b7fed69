CREATE INDEX session_participant_joined ON session_participant (joined_at);
