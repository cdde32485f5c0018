WITH replaced AS (
    SELECT id, version, requester, rest FROM autocrm.autocrm_ticket
    WHERE tenant = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE
), required AS (
    SELECT id, version, requester, rest FROM autocrm.autocrm_ticket
    WHERE tenant = $1 AND id = ANY ($3::uuid[]) ORDER BY id FOR SHARE
)
SELECT * FROM replaced UNION ALL SELECT * FROM required
