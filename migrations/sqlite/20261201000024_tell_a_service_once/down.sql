DROP INDEX logout_step_asked_by;
-- Logouts under way live for minutes; of steps that share a request, the first keeps it.
UPDATE logout_step SET request_id = NULL WHERE EXISTS (
    SELECT 1 FROM logout_step earlier
     WHERE earlier.request_id = logout_step.request_id AND earlier.position < logout_step.position
);
CREATE UNIQUE INDEX logout_step_by_request ON logout_step (request_id);
