SELECT count(*)
FROM (SELECT id FROM autocrm.autocrm_message WHERE tenant = $1) m
FULL JOIN (SELECT message FROM autocrm.autocrm_search WHERE tenant = $1) s ON s.message = m.id
WHERE m.id IS NULL OR s.message IS NULL
