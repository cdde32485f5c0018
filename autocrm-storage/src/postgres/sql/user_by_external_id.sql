SELECT document FROM autocrm.autocrm_user
WHERE tenant = $1 AND ($2::uuid IS NULL OR id = $2) AND external_id = $3
