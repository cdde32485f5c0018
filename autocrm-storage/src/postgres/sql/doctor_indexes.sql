SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace('autocrm') AND NOT (i.indisvalid AND i.indisready)
