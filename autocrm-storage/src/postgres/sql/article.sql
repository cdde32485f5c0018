-- Customers see published articles that are not internal.
SELECT document FROM autocrm.autocrm_article
WHERE tenant = $1 AND ($2 OR (state = 1 AND visibility <> 2)) AND id = $3
