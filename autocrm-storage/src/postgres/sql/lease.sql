UPDATE autocrm.autocrm_job j SET state = 1, token = j.token + 1, attempts = j.attempts + 1, lease_until = $3
WHERE j.id = ANY ($1::uuid[]) AND (
    (j.state = 1 AND j.lease_until <= $2)
    OR (j.state = 0 AND j.run_at <= $2 AND NOT EXISTS (
        SELECT 1 FROM autocrm.autocrm_job o WHERE o.tenant = j.tenant AND o.key = j.key AND o.state < 2
        AND (o.state = 1 OR o.first_due < j.first_due OR (o.first_due = j.first_due AND o.id < j.id))))
)
RETURNING j.*
