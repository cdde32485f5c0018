SELECT document FROM autocrm.autocrm_template
WHERE tenant = $1 AND ($2::uuid[] IS NULL OR team IS NULL OR team = ANY ($2)) AND id > $3
ORDER BY id LIMIT $4
