UPDATE autocrm.autocrm_job SET lease_until = $3 WHERE id = $1 AND state = 1 AND token = $2
