SELECT DISTINCT m.raw FROM autocrm.autocrm_inbound m
WHERE m.tenant = $1 AND m.ticket = $2
    AND NOT EXISTS (SELECT 1 FROM autocrm.autocrm_raw r WHERE r.tenant = m.tenant AND r.hash = m.raw)
    AND NOT EXISTS (SELECT 1 FROM autocrm.autocrm_inbound o WHERE o.tenant = m.tenant AND o.raw = m.raw
                    AND (o.ticket IS NULL OR o.ticket <> m.ticket))
ORDER BY m.raw
