-- One LogoutRequest may be about several parts of one service: then their steps share its ID.

DROP INDEX logout_step_by_request;
CREATE INDEX logout_step_asked_by ON logout_step (request_id);
