-- The words are compared by the policy of the role that searches. `ts_rank` weighs the occurrences of one word by where
-- they stand; how rare the word and how long the passage is are weighed here, as Okapi BM25 does.
WITH sought AS MATERIALIZED (
    SELECT s.term::tsquery AS term, s.weight FROM unnest($2::text[], $3::float8[]) AS s (term, weight)
)
SELECT p.chunk, p.article, r.score FROM autocrm.autocrm_passage p
CROSS JOIN LATERAL (
    SELECT sum(s.weight * f.rank / (f.rank + 0.5 * (0.25 + 0.75 * p.length / $4::float8)))::float4 AS score
    FROM sought s CROSS JOIN LATERAL (
        SELECT ts_rank('{0.6, 0.6, 0.8, 1.0}', p.words, s.term)::float8 AS rank
    ) f
) r
WHERE p.tenant = $1 AND p.visibility = ANY ($5::int8[])
ORDER BY r.score DESC, p.chunk OFFSET $6 LIMIT $7
