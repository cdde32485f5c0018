SELECT count(*) FROM (SELECT max(number) AS last FROM autocrm.autocrm_ticket WHERE tenant = $1) t
WHERE t.last > coalesce((SELECT number FROM autocrm.autocrm_counter WHERE tenant = $1), 0)
