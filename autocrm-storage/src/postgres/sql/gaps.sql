-- One line for each thing that would let a reader pass by the policies.
SELECT 'the role ' || wanted || ' is missing: migrate first' AS gap
FROM unnest(ARRAY['autocrm_runtime', 'autocrm_search']) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = wanted)
UNION ALL
SELECT 'the role ' || r.rolname || ' may bypass row-level security'
FROM pg_roles r WHERE r.rolname IN ('autocrm_runtime', 'autocrm_search') AND (r.rolsuper OR r.rolbypassrls)
UNION ALL
SELECT 'the role ' || r.rolname || ' is a member of ' || o.rolname || ', which owns a table or may bypass row-level security'
FROM pg_roles r CROSS JOIN pg_roles o
WHERE r.rolname IN ('autocrm_runtime', 'autocrm_search') AND o.oid <> r.oid AND NOT r.rolsuper
    AND pg_has_role(r.oid, o.oid, 'MEMBER')
    AND (o.rolsuper OR o.rolbypassrls OR EXISTS (
        SELECT 1 FROM pg_class c WHERE c.relnamespace = to_regnamespace('autocrm') AND c.relowner = o.oid))
UNION ALL
SELECT 'the role ' || r.rolname || ' owns the table ' || c.relname
FROM pg_roles r JOIN pg_class c ON c.relowner = r.oid
WHERE r.rolname IN ('autocrm_runtime', 'autocrm_search') AND c.relnamespace = to_regnamespace('autocrm')
UNION ALL
SELECT 'the present user cannot change to the role ' || r.rolname
FROM pg_roles r WHERE r.rolname IN ('autocrm_runtime', 'autocrm_search')
    AND NOT pg_has_role(session_user, r.oid, 'MEMBER')
UNION ALL
SELECT 'the table ' || c.relname || ' is not protected by row-level security'
FROM pg_class c
WHERE c.relnamespace = to_regnamespace('autocrm') AND c.relkind IN ('r', 'p') AND c.relname LIKE 'autocrm\_%'
    AND c.relname <> 'autocrm_migration'
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
UNION ALL
SELECT 'the partition ' || c.relname || ' can be read or written directly by ' || r.rolname
FROM pg_class c CROSS JOIN pg_roles r
WHERE c.relnamespace = to_regnamespace('autocrm') AND c.relispartition AND c.relkind = 'r'
    AND r.rolname IN ('autocrm_runtime', 'autocrm_search')
    AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
UNION ALL
SELECT r.rolname || ' may truncate ' || c.relname
FROM pg_class c CROSS JOIN pg_roles r
WHERE c.relnamespace = to_regnamespace('autocrm') AND c.relkind IN ('r', 'p')
    AND r.rolname IN ('autocrm_runtime', 'autocrm_search') AND has_table_privilege(r.oid, c.oid, 'TRUNCATE')
UNION ALL
SELECT 'the view ' || c.relname || ' does not check the rights of its reader'
FROM pg_class c
WHERE c.relnamespace = to_regnamespace('autocrm') AND (c.relkind = 'm' OR (c.relkind = 'v'
    AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)))
