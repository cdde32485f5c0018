INSERT INTO autocrm.autocrm_event_order (tenant, event, position)
SELECT $1, e.id, e.position FROM unnest($2::uuid[], $3::int8[]) WITH ORDINALITY AS e (id, position, place) ORDER BY e.place