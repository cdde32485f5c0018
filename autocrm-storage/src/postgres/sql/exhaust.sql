UPDATE autocrm.autocrm_job SET state = 2, last_error = $2, lease_until = NULL
WHERE id IN (
    SELECT id FROM autocrm.autocrm_job WHERE state = 1 AND lease_until <= $1 AND attempts >= max_attempts
    FOR UPDATE SKIP LOCKED)
