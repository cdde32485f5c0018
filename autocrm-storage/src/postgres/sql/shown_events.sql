SELECT e.tenant, o.position, e.id, e.at, e.actor, e.actor_user, e.subject, e.subject_id, e.version, e.ticket, e.audience, e.event
FROM autocrm.autocrm_event_order o JOIN autocrm.autocrm_event e ON e.tenant = o.tenant AND e.id = o.event
JOIN autocrm.autocrm_ticket t ON t.tenant = e.tenant AND t.id = e.ticket
WHERE o.tenant = $1 AND o.position > $2 AND ($4::bool OR e.audience = 0) AND t.deleted_at IS NULL
    AND ($5::uuid IS NULL OR EXISTS (SELECT 1 FROM autocrm.autocrm_participant p
                                     WHERE p.tenant = t.tenant AND p."user" = $5 AND p.ticket = t.id))
    AND ($6::uuid[] IS NULL OR t.team IS NULL OR t.team = ANY ($6))
ORDER BY o.position LIMIT $3
