SELECT message FROM autocrm.autocrm_search WHERE tenant = $1 AND message < $2
ORDER BY message DESC OFFSET $3 LIMIT 1
