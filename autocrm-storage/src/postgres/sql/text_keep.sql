-- Title, headings and text weigh differently. A language that the server has no rules for is cut into plain words.
WITH made AS (
    INSERT INTO autocrm.autocrm_passage (tenant, chunk, article, visibility, length, words)
    SELECT $1, r.chunk, r.article, r.visibility, r.length,
        setweight(to_tsvector(c.config, r.title), 'A') || setweight(to_tsvector(c.config, r.heading), 'B')
            || to_tsvector(c.config, r.body)
            || ('@' || r.visibility || replace($1::uuid::text, '-', ''))::tsvector
    FROM unnest($2::uuid[], $3::uuid[], $4::int8[], $5::int8[], $6::text[], $7::text[], $8::text[], $9::text[])
        AS r (chunk, article, visibility, length, config, title, heading, body)
    LEFT JOIN pg_catalog.pg_ts_config g ON g.cfgname = r.config AND g.cfgnamespace = 'pg_catalog'::regnamespace
    CROSS JOIN LATERAL (SELECT coalesce(g.oid, 'pg_catalog.simple'::regconfig::oid)::regconfig AS config) c
    RETURNING words
)
INSERT INTO autocrm.autocrm_term (tenant, term, passages)
SELECT $1, term, count(*) FROM made, unnest(tsvector_to_array(words)) AS term
WHERE term NOT LIKE '@%' GROUP BY term
ON CONFLICT (tenant, term) DO UPDATE SET passages = autocrm_term.passages + excluded.passages
