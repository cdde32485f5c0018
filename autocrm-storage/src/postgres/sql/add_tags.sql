INSERT INTO autocrm.autocrm_ticket_tag (tenant, tag, ticket)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
