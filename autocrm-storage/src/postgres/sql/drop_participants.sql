DELETE FROM autocrm.autocrm_participant p
USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS gone (tenant, "user", ticket)
WHERE p.tenant = gone.tenant AND p."user" = gone."user" AND p.ticket = gone.ticket
