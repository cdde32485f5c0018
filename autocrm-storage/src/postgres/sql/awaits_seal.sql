SELECT EXISTS (SELECT 1 FROM autocrm.autocrm_event_order WHERE tenant = $1 AND position IS NULL)
