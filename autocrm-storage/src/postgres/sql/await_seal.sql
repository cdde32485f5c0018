INSERT INTO autocrm.autocrm_event_order (tenant, event)
SELECT e.tenant, e.id FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS e (tenant, id, place) ORDER BY e.place
