DELETE FROM autocrm.autocrm_ticket_tag g
USING unnest($1::uuid[], $2::text[], $3::uuid[]) AS gone (tenant, tag, ticket)
WHERE g.tenant = gone.tenant AND g.tag = gone.tag AND g.ticket = gone.ticket
