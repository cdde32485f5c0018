SELECT tenant FROM autocrm.autocrm_directory WHERE $1::uuid IS NULL OR tenant > $1 ORDER BY tenant LIMIT $2
