-- The vectors come as one array of numbers, $7 of them for each row.
INSERT INTO autocrm.autocrm_vector_{space} (tenant, chunk, article, visibility, language, embedding)
SELECT $1, r.chunk, r.article, r.visibility, r.language,
    (($6::float4[])[((r.place - 1) * $7 + 1)::int4 : (r.place * $7)::int4])::vector
FROM unnest($2::uuid[], $3::uuid[], $4::int8[], $5::text[]) WITH ORDINALITY
    AS r (chunk, article, visibility, language, place)
