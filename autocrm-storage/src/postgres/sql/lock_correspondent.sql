WITH replaced AS (
    SELECT id, version FROM autocrm.autocrm_correspondent WHERE tenant = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE
), required AS (
    SELECT id, version FROM autocrm.autocrm_correspondent WHERE tenant = $1 AND id = ANY ($3::uuid[]) ORDER BY id FOR SHARE
)
SELECT id, version FROM replaced UNION ALL SELECT id, version FROM required
