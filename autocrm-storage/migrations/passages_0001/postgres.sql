-- Passages of the knowledge base by their words. A passage's words hold, besides its lexemes, one mark of its tenant and
-- visibility: the index itself is asked for both.

CREATE TABLE autocrm.autocrm_passage (
    tenant uuid NOT NULL,
    chunk uuid NOT NULL,
    article uuid NOT NULL,
    visibility bigint NOT NULL,
    length bigint NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (tenant, chunk)
);
CREATE INDEX autocrm_passage_article ON autocrm.autocrm_passage (tenant, article);
CREATE INDEX autocrm_passage_words ON autocrm.autocrm_passage USING gin (words);

-- In how many of a tenant's passages a lexeme occurs.
CREATE TABLE autocrm.autocrm_term (
    tenant uuid NOT NULL,
    term text COLLATE "C" NOT NULL,
    passages bigint NOT NULL,
    PRIMARY KEY (tenant, term)
) WITH (fillfactor = 70);

-- How far a tenant's feed was applied, how many passages and lexemes there are, and how their words were cut.
CREATE TABLE autocrm.autocrm_passage_cursor (
    tenant uuid NOT NULL PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0,
    passages bigint NOT NULL DEFAULT 0,
    length bigint NOT NULL DEFAULT 0,
    configs text[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

CREATE POLICY tenant ON autocrm.autocrm_passage TO autocrm_runtime
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY search ON autocrm.autocrm_passage FOR SELECT TO autocrm_search USING (
    tenant = (SELECT autocrm.tenant()) AND words @@ (SELECT autocrm.query())
    AND ((SELECT autocrm.is_staff()) OR ((SELECT autocrm.is_customer()) AND visibility <> 2))
);
CREATE POLICY tenant ON autocrm.autocrm_term TO autocrm_runtime
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_passage_cursor TO autocrm_runtime
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
GRANT SELECT ON autocrm.autocrm_passage, autocrm.autocrm_term TO autocrm_search;

-- Forgets everything, of every tenant. It works as the owner of the tables.
CREATE FUNCTION autocrm.clear_passages()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT autocrm.is_worker() THEN
        RAISE EXCEPTION 'only a worker clears the index' USING ERRCODE = 'insufficient_privilege';
    END IF;
    TRUNCATE autocrm.autocrm_passage_cursor, autocrm.autocrm_passage, autocrm.autocrm_term;
END
$$;
REVOKE ALL ON FUNCTION autocrm.clear_passages() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION autocrm.clear_passages() TO autocrm_runtime;
