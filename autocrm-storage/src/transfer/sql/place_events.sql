INSERT INTO autocrm.autocrm_event_order (tenant, event, arrival, place, position)
SELECT $1, e.id, 0, e.place, e.position FROM unnest($2::uuid[], $3::int8[]) WITH ORDINALITY AS e (id, position, place)
