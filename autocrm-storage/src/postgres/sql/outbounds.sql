SELECT document FROM autocrm.autocrm_outbound
WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3
