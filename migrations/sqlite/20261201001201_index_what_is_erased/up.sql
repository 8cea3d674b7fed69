-- What is erased by its time, and what follows a session that gets a new secret, is found without reading whole tables.

CREATE INDEX session_idle ON session (idle_until);
CREATE INDEX session_to_empty ON session (idle_until) WHERE length(sealed) > 0;
CREATE INDEX session_participant_joined ON session_participant (joined_at);
CREATE INDEX logout_session_of ON logout_session (session);
CREATE INDEX out_of_band_code_expiry ON out_of_band_code (expires_at);
