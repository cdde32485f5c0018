SELECT k.tenant, k.key FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant, key)
WHERE pg_try_advisory_xact_lock(hashtextextended(k.tenant::text || k.key::text, 0))
