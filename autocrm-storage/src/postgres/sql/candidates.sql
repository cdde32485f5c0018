-- Due jobs at the front of their key, and jobs whose lease has expired. What another claim has locked is passed over.
WITH ready AS (
    SELECT j.id, j.tenant, j.key, j.run_at FROM autocrm.autocrm_job j
    WHERE j.state = 0 AND j.run_at <= $1 AND NOT EXISTS (
        SELECT 1 FROM autocrm.autocrm_job o WHERE o.tenant = j.tenant AND o.key = j.key AND o.state < 2
        AND (o.state = 1 OR o.first_due < j.first_due OR (o.first_due = j.first_due AND o.id < j.id)))
    ORDER BY j.run_at, j.id LIMIT $2 FOR UPDATE SKIP LOCKED
), expired AS (
    SELECT j.id, j.tenant, NULL::uuid AS key, j.run_at FROM autocrm.autocrm_job j
    WHERE j.state = 1 AND j.lease_until <= $1
    ORDER BY j.run_at, j.id LIMIT $2 FOR UPDATE SKIP LOCKED
)
SELECT id, tenant, key FROM (SELECT * FROM ready UNION ALL SELECT * FROM expired) found
ORDER BY run_at, id LIMIT $2
