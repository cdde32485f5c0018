-- The words are compared by the policy of the role that searches.
SELECT s.message, s.ticket FROM autocrm.autocrm_search s
JOIN autocrm.autocrm_ticket t ON t.tenant = s.tenant AND t.id = s.ticket
WHERE s.tenant = $1 AND s.message < $2 AND s.message >= $3 AND (s.audience = 0 OR $4) AND t.deleted_at IS NULL
    AND ($5::uuid IS NULL OR EXISTS (SELECT 1 FROM autocrm.autocrm_participant p
                                     WHERE p.tenant = s.tenant AND p."user" = $5 AND p.ticket = s.ticket))
    AND ($6::uuid[] IS NULL OR t.team IS NULL OR t.team = ANY ($6))
ORDER BY s.message DESC LIMIT $7
