INSERT INTO autocrm.autocrm_directory (tenant, support_address) VALUES ($1, $2)
ON CONFLICT (tenant) DO UPDATE SET support_address = excluded.support_address
