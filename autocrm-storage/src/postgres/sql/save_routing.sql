INSERT INTO autocrm.autocrm_routing (tenant, ticket, document)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
ON CONFLICT (tenant, ticket) DO UPDATE SET document = excluded.document
