SELECT e.tenant, o.position, e.id, e.at, e.actor, e.actor_user, e.subject, e.subject_id, e.version, e.ticket, e.audience, e.event
FROM autocrm.autocrm_event_order o JOIN autocrm.autocrm_event e ON e.tenant = o.tenant AND e.id = o.event
WHERE o.tenant = $1 AND o.position > $2
ORDER BY o.position LIMIT $3
