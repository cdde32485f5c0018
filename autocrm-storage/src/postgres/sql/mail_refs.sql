SELECT r.tenant, r.message_id, r.message, r.ticket, r."user", r.outbound
FROM unnest($2::text[]) WITH ORDINALITY AS asked (message_id, place)
JOIN autocrm.autocrm_mail_ref r ON r.tenant = $1 AND r.message_id = asked.message_id
ORDER BY asked.place, r.message
