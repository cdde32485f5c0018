CREATE SCHEMA IF NOT EXISTS autocrm;
CREATE TABLE IF NOT EXISTS autocrm.autocrm_migration (
    schema bigint NOT NULL PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
