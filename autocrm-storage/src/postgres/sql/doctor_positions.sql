SELECT count(*) FROM (
    SELECT max(position) AS last, count(position) AS sealed FROM autocrm.autocrm_event_order WHERE tenant = $1
) o WHERE coalesce(o.last, 0) <> o.sealed
