SELECT count(*) FROM autocrm.autocrm_correspondent WHERE tenant = $1 AND acknowledged_at >= $2
