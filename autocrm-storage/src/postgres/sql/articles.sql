SELECT document FROM autocrm.autocrm_article
WHERE tenant = $1 AND ($2 OR (state = 1 AND visibility <> 2)) AND id < $3
    AND ($4::int8 IS NULL OR state = $4) AND ($5::text IS NULL OR category = $5) AND ($6::text IS NULL OR language = $6)
ORDER BY id DESC LIMIT $7
