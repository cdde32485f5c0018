INSERT INTO autocrm.autocrm_search (tenant, message, ticket, audience, words)
SELECT $1, w.message, w.ticket, w.audience, w.words::tsvector
FROM unnest($2::uuid[], $3::uuid[], $4::int8[], $5::text[]) AS w (message, ticket, audience, words)
ON CONFLICT (tenant, message) DO UPDATE SET audience = excluded.audience, words = excluded.words
