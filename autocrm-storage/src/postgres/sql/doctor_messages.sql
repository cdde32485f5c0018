SELECT count(*) FROM autocrm.autocrm_message m
WHERE m.tenant = $1
    AND NOT EXISTS (SELECT 1 FROM autocrm.autocrm_ticket t WHERE t.tenant = m.tenant AND t.id = m.ticket)
