SELECT i.principal, i.key, i.request, i.receipt, i.at
FROM unnest($2::text[], $3::text[]) AS asked (principal, key)
JOIN autocrm.autocrm_idempotency i ON i.tenant = $1 AND i.key = asked.key AND i.principal = asked.principal
