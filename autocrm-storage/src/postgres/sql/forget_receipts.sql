DELETE FROM autocrm.autocrm_idempotency i USING (
    SELECT key, principal FROM autocrm.autocrm_idempotency WHERE tenant = $1 AND at < $2 ORDER BY at LIMIT $3
    FOR UPDATE SKIP LOCKED
) old
WHERE i.tenant = $1 AND i.key = old.key AND i.principal = old.principal
