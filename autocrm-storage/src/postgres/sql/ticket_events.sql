SELECT e.tenant, o.position, e.id, e.at, e.actor, e.actor_user, e.subject, e.subject_id, e.version, e.ticket, e.audience, e.event
FROM autocrm.autocrm_event e JOIN autocrm.autocrm_event_order o ON o.tenant = e.tenant AND o.event = e.id
WHERE e.tenant = $1 AND e.ticket = $5 AND o.position > $2 AND ($4::bool OR e.audience = 0)
ORDER BY o.position LIMIT $3
