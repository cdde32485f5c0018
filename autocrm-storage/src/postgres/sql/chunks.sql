SELECT c.document FROM autocrm.autocrm_chunk c
JOIN autocrm.autocrm_article a ON a.tenant = c.tenant AND a.id = c.article
WHERE c.tenant = $1 AND ($2 OR (a.state = 1 AND a.visibility <> 2)) AND c.id = ANY ($3::uuid[])
