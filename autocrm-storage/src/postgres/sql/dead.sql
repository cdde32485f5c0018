SELECT * FROM autocrm.autocrm_job WHERE tenant = $1 AND state = 2 AND id < $2 ORDER BY id DESC LIMIT $3
