SELECT s.space, c.position, c.passages, c.indexed
FROM autocrm.autocrm_vector_space s
LEFT JOIN autocrm.autocrm_vector_cursor c ON c.space = s.space AND c.tenant = $5
WHERE s.model = $1 AND s.version = $2 AND s.dimensions = $3 AND s.metric = $4
