INSERT INTO autocrm.autocrm_counter AS c (tenant, number) VALUES ($1, $2)
ON CONFLICT (tenant) DO UPDATE SET number = c.number + excluded.number
RETURNING number
