-- Every vector that passes the filter is compared. What a walk has shown already, or passed over, is left out.
WITH own AS MATERIALIZED (
    SELECT chunk, article, embedding <#> $1::float4[]::vector AS distance FROM autocrm.autocrm_vector_{space}
    WHERE tenant = $2 AND visibility = ANY ($3::int8[]) AND ($4::text IS NULL OR language = $4)
)
SELECT chunk, article, distance FROM own
WHERE distance > $5 OR (distance = $5 AND chunk > $6)
ORDER BY greatest(distance, -1), chunk LIMIT $7
