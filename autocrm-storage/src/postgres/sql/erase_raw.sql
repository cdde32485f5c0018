-- Raw bytes that no mail refers to any more.
DELETE FROM autocrm.autocrm_raw r
WHERE r.tenant = $1 AND r.hash = ANY ($2::bytea[])
    AND NOT EXISTS (SELECT 1 FROM autocrm.autocrm_inbound i WHERE i.tenant = r.tenant AND i.raw = r.hash)
