SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('autocrm.autocrm_message')
    AND c.relname > 'autocrm_message_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM') AND c.relname < 'autocrm_message_a'
