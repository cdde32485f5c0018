SELECT id, state, token, attempts, max_attempts, run_at FROM autocrm.autocrm_job
WHERE tenant = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE
