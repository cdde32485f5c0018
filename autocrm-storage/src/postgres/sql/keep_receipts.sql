-- A key that another transaction has taken meanwhile is left alone, and the caller counts; an expired one is replaced.
INSERT INTO autocrm.autocrm_idempotency AS i (tenant, principal, key, request, receipt, at)
SELECT $1, kept.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::int8[]) AS kept
ON CONFLICT (tenant, key, principal) DO UPDATE
SET request = excluded.request, receipt = excluded.receipt, at = excluded.at
WHERE i.at + $7 < excluded.at
