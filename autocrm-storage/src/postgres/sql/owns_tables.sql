SELECT coalesce(bool_and(pg_has_role(current_user, c.relowner, 'USAGE')), false)
FROM pg_class c WHERE c.relnamespace = to_regnamespace('autocrm') AND c.relname = 'autocrm_message'