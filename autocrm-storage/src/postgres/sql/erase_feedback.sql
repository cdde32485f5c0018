-- Feedback on the ticket's messages: target kind 1.
DELETE FROM autocrm.autocrm_feedback f USING autocrm.autocrm_message m
WHERE m.tenant = $1 AND m.ticket = $2 AND f.tenant = m.tenant AND f.target_kind = 1 AND f.target = m.id
