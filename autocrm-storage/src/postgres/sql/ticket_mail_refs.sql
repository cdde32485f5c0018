SELECT * FROM autocrm.autocrm_mail_ref WHERE tenant = $1 AND ticket = $2
ORDER BY message DESC, message_id COLLATE "C" DESC LIMIT $3
