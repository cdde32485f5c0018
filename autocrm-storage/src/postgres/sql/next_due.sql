SELECT least(
    (SELECT j.run_at FROM autocrm.autocrm_job j WHERE j.state = 0 AND NOT EXISTS (
        SELECT 1 FROM autocrm.autocrm_job o WHERE o.tenant = j.tenant AND o.key = j.key AND o.state < 2
        AND (o.state = 1 OR o.first_due < j.first_due OR (o.first_due = j.first_due AND o.id < j.id)))
     ORDER BY j.run_at, j.id LIMIT 1),
    (SELECT min(lease_until) FROM autocrm.autocrm_job WHERE state = 1))
