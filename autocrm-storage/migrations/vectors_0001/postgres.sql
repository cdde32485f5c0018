-- Embeddings of passages. Each space has a table of its own, so that dropping one touches no other. Tables are made and
-- dropped by the functions below, which work as their owner: the role that reads and writes owns nothing.

CREATE TABLE autocrm.autocrm_vector_space (
    space bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text NOT NULL,
    version text NOT NULL,
    dimensions bigint NOT NULL,
    metric text NOT NULL,
    UNIQUE (model, version, dimensions, metric)
);
-- Which spaces there are is no tenant's secret. Only the functions below change it.
CREATE POLICY everyone ON autocrm.autocrm_vector_space FOR SELECT USING (true);
CREATE POLICY hold ON autocrm.autocrm_vector_space FOR UPDATE USING ((SELECT autocrm.is_system())) WITH CHECK (false);
CREATE POLICY owner ON autocrm.autocrm_vector_space TO CURRENT_USER USING (true);

-- How far a tenant's feed was applied in a space, how many passages it has there by visibility (0, 1, 2), and whether they
-- have an index of neighbours.
CREATE TABLE autocrm.autocrm_vector_cursor (
    space bigint NOT NULL,
    tenant uuid NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    passages bigint[] NOT NULL DEFAULT '{0,0,0}',
    indexed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (space, tenant)
) WITH (fillfactor = 50);
CREATE POLICY read ON autocrm.autocrm_vector_cursor FOR SELECT USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY write ON autocrm.autocrm_vector_cursor
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY owner ON autocrm.autocrm_vector_cursor TO CURRENT_USER USING (true);

-- The schema in which the extension's types and operators are.
CREATE FUNCTION autocrm.vector_home() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'vector'
$$;

-- Makes a space unless it is held, and returns its number.
CREATE FUNCTION autocrm.hold_space(wanted_model text, wanted_version text, wanted_dimensions bigint, wanted_metric text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held bigint;
    name text;
BEGIN
    IF NOT autocrm.is_system() THEN
        RAISE EXCEPTION 'only the system makes spaces' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(7022364302187232003);
    SELECT s.space INTO held FROM autocrm.autocrm_vector_space s
    WHERE s.model = wanted_model AND s.version = wanted_version AND s.dimensions = wanted_dimensions
        AND s.metric = wanted_metric;
    IF FOUND THEN
        RETURN held;
    END IF;
    INSERT INTO autocrm.autocrm_vector_space (model, version, dimensions, metric)
    VALUES (wanted_model, wanted_version, wanted_dimensions, wanted_metric) RETURNING space INTO held;
    name := 'autocrm_vector_' || held;
    EXECUTE format('CREATE TABLE autocrm.%I (
        tenant uuid NOT NULL,
        chunk uuid NOT NULL,
        article uuid NOT NULL,
        visibility bigint NOT NULL,
        language text,
        embedding %I.vector(%s) NOT NULL,
        PRIMARY KEY (tenant, chunk))', name, autocrm.vector_home(), wanted_dimensions);
    -- A vector lies in its row: an exact search then reads no second table.
    EXECUTE format('ALTER TABLE autocrm.%I ALTER COLUMN embedding SET STORAGE MAIN', name);
    EXECUTE format('CREATE INDEX %I ON autocrm.%I (tenant, article)', name || '_article', name);
    EXECUTE format('CREATE INDEX %I ON autocrm.%I (tenant, visibility)', name || '_visibility', name);
    EXECUTE format('CREATE POLICY read ON autocrm.%I FOR SELECT USING (
        tenant = (SELECT autocrm.tenant())
        AND ((SELECT autocrm.is_staff()) OR ((SELECT autocrm.is_customer()) AND visibility <> 2)))', name);
    EXECUTE format('CREATE POLICY write ON autocrm.%I
        USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()))', name);
    EXECUTE format('ALTER TABLE autocrm.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE autocrm.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON autocrm.%I FROM PUBLIC', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON autocrm.%I TO autocrm_runtime', name);
    RETURN held;
END
$$;

-- Gives a tenant's vectors in a space an index of neighbours of their own. They are of length one, so that their inner
-- product is their cosine.
CREATE FUNCTION autocrm.index_space(wanted_space bigint, wanted_tenant uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '256MB' SET max_parallel_maintenance_workers = 0 AS $$
BEGIN
    IF NOT autocrm.is_system() OR wanted_tenant IS DISTINCT FROM autocrm.tenant() THEN
        RAISE EXCEPTION 'only the system indexes a tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON autocrm.%I USING hnsw (embedding %I.vector_ip_ops) WHERE tenant = %L',
                   'autocrm_near_' || wanted_space || '_' || replace(wanted_tenant::text, '-', ''),
                   'autocrm_vector_' || wanted_space, autocrm.vector_home(), wanted_tenant);
END
$$;

-- Forgets a space with its vectors and cursors, of every tenant.
CREATE FUNCTION autocrm.drop_space(wanted_space bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT autocrm.is_worker() THEN
        RAISE EXCEPTION 'only a worker drops spaces' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM autocrm.autocrm_vector_space WHERE space = wanted_space;
    IF FOUND THEN
        DELETE FROM autocrm.autocrm_vector_cursor WHERE space = wanted_space;
        EXECUTE format('DROP TABLE autocrm.%I', 'autocrm_vector_' || wanted_space);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION autocrm.hold_space(text, text, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION autocrm.index_space(bigint, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION autocrm.drop_space(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION autocrm.hold_space(text, text, bigint, text) TO autocrm_runtime;
GRANT EXECUTE ON FUNCTION autocrm.index_space(bigint, uuid) TO autocrm_runtime;
GRANT EXECUTE ON FUNCTION autocrm.drop_space(bigint) TO autocrm_runtime;
