SELECT coalesce((
    SELECT position FROM autocrm.autocrm_event_order WHERE tenant = $1 AND position IS NOT NULL
    ORDER BY position DESC LIMIT 1), 0)
