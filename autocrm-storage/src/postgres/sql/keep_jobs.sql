UPDATE autocrm.autocrm_job j
SET state = k.state, attempts = k.attempts, run_at = k.run_at, last_error = coalesce(k.error, j.last_error),
    lease_until = NULL
FROM unnest($2::uuid[], $3::int8[], $4::int8[], $5::int8[], $6::text[]) AS k (id, state, attempts, run_at, error)
WHERE j.tenant = $1 AND j.id = k.id
