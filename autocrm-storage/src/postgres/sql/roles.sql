DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['autocrm_runtime', 'autocrm_search'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of the same server is being migrated at this moment
            END;
        END IF;
        IF NOT pg_has_role(current_user, role, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role);
        END IF;
    END LOOP;
END
$$;
