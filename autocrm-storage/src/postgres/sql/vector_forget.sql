WITH gone AS (
    DELETE FROM autocrm.autocrm_vector_{space}
    WHERE tenant = $1 AND (article = ANY ($2::uuid[]) OR chunk = ANY ($3::uuid[])) RETURNING visibility
)
SELECT visibility, count(*) FROM gone GROUP BY visibility
