DROP INDEX out_of_band_code_expiry;
DROP INDEX logout_session_of;
DROP INDEX session_participant_joined;
DROP INDEX session_to_empty;
DROP INDEX session_idle;
