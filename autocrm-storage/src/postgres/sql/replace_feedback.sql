DELETE FROM autocrm.autocrm_feedback f
USING unnest($1::uuid[], $2::int8[], $3::uuid[], $4::uuid[]) AS n (tenant, target_kind, target, "user")
WHERE f.tenant = n.tenant AND f.target_kind = n.target_kind AND f.target = n.target AND f."user" = n."user"
