SELECT coalesce(current_setting(s.name, true), '')
FROM unnest($1::text[]) WITH ORDINALITY AS s (name, place) ORDER BY s.place
