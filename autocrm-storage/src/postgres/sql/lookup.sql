SELECT 0::int8 AS kind, t.tenant AS id, t.document FROM autocrm.autocrm_tenant t WHERE t.tenant = $1 AND $2
UNION ALL
SELECT 1::int8, s.tenant, s.document FROM autocrm.autocrm_scheme s WHERE s.tenant = $1 AND $3
UNION ALL
SELECT 2::int8, u.id, u.document FROM autocrm.autocrm_user u WHERE u.tenant = $1 AND u.id = ANY ($4::uuid[])
