DO $$
DECLARE
    month timestamp;
    name text;
    low uuid;
    high uuid;
BEGIN
    FOR ahead IN -1 .. 6 LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
        name := 'autocrm_message_' || to_char(month, 'YYYYMM');
        IF to_regclass('autocrm.' || name) IS NULL THEN
            low := autocrm.first_id(month);
            high := autocrm.first_id(month + interval '1 month');
            EXECUTE format('CREATE TABLE autocrm.%I (LIKE autocrm.autocrm_message INCLUDING ALL)', name);
            EXECUTE format('WITH moved AS (DELETE FROM autocrm.autocrm_message_default WHERE id >= %L AND id < %L RETURNING *)
                            INSERT INTO autocrm.%I SELECT * FROM moved', low, high, name);
            EXECUTE format('ALTER TABLE autocrm.autocrm_message ATTACH PARTITION autocrm.%I FOR VALUES FROM (%L) TO (%L)',
                           name, low, high);
            EXECUTE format('ALTER TABLE autocrm.%I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE autocrm.%I FORCE ROW LEVEL SECURITY', name);
            EXECUTE format('REVOKE ALL ON autocrm.%I FROM PUBLIC', name);
        END IF;
    END LOOP;
END
$$;
