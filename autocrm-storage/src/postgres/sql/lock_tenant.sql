WITH replaced AS (
    SELECT version FROM autocrm.autocrm_tenant WHERE tenant = $1 AND $2::bool FOR UPDATE
), required AS (
    SELECT version FROM autocrm.autocrm_tenant WHERE tenant = $1 AND NOT $2::bool FOR SHARE
)
SELECT version FROM replaced UNION ALL SELECT version FROM required
