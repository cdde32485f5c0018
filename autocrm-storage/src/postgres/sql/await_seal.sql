INSERT INTO autocrm.autocrm_event_order (tenant, event, arrival, place)
SELECT e.tenant, e.id, (SELECT nextval('autocrm.autocrm_arrival')), e.place
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS e (tenant, id, place)
