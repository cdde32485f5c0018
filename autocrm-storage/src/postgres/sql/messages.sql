SELECT * FROM autocrm.autocrm_message
WHERE tenant = $1 AND ticket = $2 AND (audience = 0 OR $3) AND (sequence, id) > ($4, $5)
ORDER BY sequence, id LIMIT $6
