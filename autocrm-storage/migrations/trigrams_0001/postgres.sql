-- Lexemes that look like a mistyped word. What is looked for is part of the policy of the role that searches, because
-- PostgreSQL uses no trigram index for a condition that stands behind a policy.
CREATE FUNCTION autocrm.mistyped() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('autocrm.mistyped', true), '') $$;
DO $$
DECLARE
    home text;
BEGIN
    SELECT n.nspname INTO STRICT home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_trgm';
    EXECUTE format('CREATE INDEX autocrm_term_trigrams ON autocrm.autocrm_term USING gin (term %I.gin_trgm_ops)', home);
    EXECUTE format('CREATE POLICY mistyped ON autocrm.autocrm_term FOR SELECT TO autocrm_search USING (
        tenant = (SELECT autocrm.tenant()) AND term OPERATOR(%I.%%) (SELECT autocrm.mistyped()))', home);
END
$$;
