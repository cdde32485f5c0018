INSERT INTO autocrm.autocrm_participant (tenant, "user", ticket)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
