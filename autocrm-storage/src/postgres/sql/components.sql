-- The parts of the schema that not every host has, each with a version of its own.
DO $$
BEGIN
    IF to_regclass('autocrm.autocrm_component') IS NULL THEN
        CREATE TABLE autocrm.autocrm_component (
            name text NOT NULL PRIMARY KEY,
            version bigint NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE POLICY everyone ON autocrm.autocrm_component FOR SELECT USING (true);
        CREATE POLICY owner ON autocrm.autocrm_component TO CURRENT_USER USING (true);
    END IF;
END
$$;
