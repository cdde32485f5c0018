INSERT INTO autocrm.autocrm_event_order (tenant, event)
SELECT $1, e.id FROM unnest($2::uuid[]) WITH ORDINALITY AS e (id, place) ORDER BY e.place
