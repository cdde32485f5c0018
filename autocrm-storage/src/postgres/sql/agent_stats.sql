-- Counts and means; a mean of microseconds is rounded down to whole seconds.
SELECT count(*),
    trunc(sum(greatest(first_response_at - created_at, 0)) / nullif(count(first_response_at), 0) / 1000000)::int8,
    trunc(sum(greatest(resolved_at - created_at, 0)) / nullif(count(*), 0) / 1000000)::int8
FROM autocrm.autocrm_ticket
WHERE tenant = $1 AND assignee = $2 AND deleted_at IS NULL AND resolved_at >= $3 AND resolved_at < $4
