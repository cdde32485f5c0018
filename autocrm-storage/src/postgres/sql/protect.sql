DO $$
DECLARE
    relation record;
BEGIN
    FOR relation IN
        SELECT c.oid::regclass AS name, c.relispartition AS is_partition, c.relname
        FROM pg_class c WHERE c.relnamespace = 'autocrm'::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relname LIKE 'autocrm\_%' AND c.relname <> 'autocrm_migration'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation.name);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation.name);
        IF NOT relation.is_partition THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO autocrm_runtime', relation.name);
        END IF;
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA autocrm TO autocrm_runtime, autocrm_search;
GRANT USAGE ON SEQUENCE autocrm.autocrm_arrival TO autocrm_runtime;
GRANT SELECT ON autocrm.autocrm_migration TO autocrm_runtime;
GRANT SELECT ON autocrm.autocrm_search, autocrm.autocrm_ticket, autocrm.autocrm_participant TO autocrm_search;
