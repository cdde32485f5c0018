SELECT document FROM autocrm.autocrm_article
WHERE tenant = $1 AND ($2 OR (state = 1 AND visibility <> 2)) AND slug = $3
