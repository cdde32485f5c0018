SELECT id, 1::int8 AS version FROM autocrm.autocrm_feedback
WHERE tenant = $1 AND id = ANY ($2::uuid[] || $3::uuid[]) ORDER BY id FOR SHARE
