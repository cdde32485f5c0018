UPDATE autocrm.autocrm_job SET state = 0, attempts = 0, run_at = $3 WHERE id = $1 AND tenant = $2 AND state = 2
