-- The tenant's index of neighbours is walked, nearest first, until enough of them pass the filter.
SELECT chunk, article, embedding <#> $1::float4[]::vector AS distance FROM autocrm.autocrm_vector_{space}
WHERE tenant = $2 AND visibility = ANY ($3::int8[]) AND ($4::text IS NULL OR language = $4)
ORDER BY embedding <#> $1::float4[]::vector, chunk LIMIT $5
