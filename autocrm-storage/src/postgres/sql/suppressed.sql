SELECT document FROM autocrm.autocrm_correspondent
WHERE tenant = $1 AND suppressed = 1 AND id < $2
ORDER BY id DESC LIMIT $3
