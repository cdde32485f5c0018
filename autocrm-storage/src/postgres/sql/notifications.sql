SELECT document FROM autocrm.autocrm_notification
WHERE tenant = $1 AND ($2::uuid IS NULL OR recipient = $2) AND id < $3
ORDER BY id DESC LIMIT $4
