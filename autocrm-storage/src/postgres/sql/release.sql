UPDATE autocrm.autocrm_job SET state = 0, attempts = greatest(attempts - 1, 0), lease_until = NULL
WHERE id = $1 AND state = 1 AND token = $2 AND $3::int8 IS NULL
