-- What each language in use makes of each word, and in how many passages that occurs.
SELECT w.place, l.term, coalesce(t.passages, 0)
FROM unnest($2::text[]) WITH ORDINALITY AS w (word, place)
CROSS JOIN LATERAL (
    SELECT DISTINCT term FROM unnest($3::text[]) AS u (name)
    LEFT JOIN pg_catalog.pg_ts_config g ON g.cfgname = u.name AND g.cfgnamespace = 'pg_catalog'::regnamespace
    CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector(
        coalesce(g.oid, 'pg_catalog.simple'::regconfig::oid)::regconfig, w.word))) AS term
) l
LEFT JOIN autocrm.autocrm_term t ON t.tenant = $1 AND t.term = l.term
ORDER BY w.place, l.term
