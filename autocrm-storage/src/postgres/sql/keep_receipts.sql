INSERT INTO autocrm.autocrm_idempotency (tenant, principal, key, request, receipt, at)
SELECT $1, kept.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::int8[]) AS kept
ON CONFLICT (tenant, key, principal) DO UPDATE
SET request = excluded.request, receipt = excluded.receipt, at = excluded.at
