-- Passages that go, and their lexemes with them where no other passage of the tenant has them.
WITH gone AS (
    DELETE FROM autocrm.autocrm_passage
    WHERE tenant = $1 AND (article = ANY ($2::uuid[]) OR chunk = ANY ($3::uuid[])) RETURNING words, length
), fewer AS (
    SELECT term, count(*) AS passages FROM gone, unnest(tsvector_to_array(words)) AS term
    WHERE term NOT LIKE '@%' GROUP BY term
), spent AS (
    DELETE FROM autocrm.autocrm_term t USING fewer f
    WHERE t.tenant = $1 AND t.term = f.term AND t.passages <= f.passages
), counted AS (
    UPDATE autocrm.autocrm_term t SET passages = t.passages - f.passages FROM fewer f
    WHERE t.tenant = $1 AND t.term = f.term AND t.passages > f.passages
)
SELECT count(*), coalesce(sum(length), 0)::int8 FROM gone
