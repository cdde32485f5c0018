WITH waiting AS (
    SELECT o.tenant, o.event, row_number() OVER (PARTITION BY o.tenant ORDER BY o.arrival, o.place) AS place
    FROM autocrm.autocrm_event_order o WHERE o.position IS NULL
), last AS (
    SELECT t.tenant, coalesce((
        SELECT o.position FROM autocrm.autocrm_event_order o
        WHERE o.tenant = t.tenant AND o.position IS NOT NULL ORDER BY o.position DESC LIMIT 1), 0) AS position
    FROM (SELECT DISTINCT tenant FROM waiting) t
)
UPDATE autocrm.autocrm_event_order o SET position = last.position + w.place
FROM waiting w JOIN last ON last.tenant = w.tenant
WHERE o.tenant = w.tenant AND o.event = w.event
