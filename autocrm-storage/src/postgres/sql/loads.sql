SELECT assignee, count(*) FROM autocrm.autocrm_ticket
WHERE tenant = $1 AND assignee = ANY ($2::uuid[]) AND status <= $3 AND deleted_at IS NULL
GROUP BY assignee
